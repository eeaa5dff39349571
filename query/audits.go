package query

import "fmt"

var audits = Report{
	Name:    "audits",
	Help:    "Audits of lines and their results, in and out.",
	Details: "accuracy is counted divided by actual, the estimate of the crossings that there were; low and high are the ends of the 95 % intervals. precision is the share of the counted crossings that are right, recall the share of the actual ones that were counted in their direction. An audit that was not answered has no figures. A high end that is empty has no limit.",
	Flags:   []string{"camera", "line"},
	Columns: []string{
		"audit", "camera", "line", "since", "until", "answered_at", "direction", "counted", "actual", "actual_low", "actual_high",
		"accuracy", "accuracy_low", "accuracy_high", "precision", "recall",
	},
	Order: []string{"audit", "direction"},
	sql: func(s *statement) string {
		return fmt.Sprintf(`
SELECT s.id AS audit, c.name AS camera, s.line, s.since, s.until, s.answered_at, r.direction, r.counted,
       round(r.actual::numeric, 1) AS actual, round(r.actual_low::numeric, 1) AS actual_low,
       round(r.actual_high::numeric, 1) AS actual_high,
       round(r.accuracy::numeric, 3) AS accuracy, round(r.accuracy_low::numeric, 3) AS accuracy_low,
       round(r.accuracy_high::numeric, 3) AS accuracy_high,
       round(r.precision::numeric, 3) AS precision, round(r.recall::numeric, 3) AS recall
FROM audits s JOIN cameras c ON c.id = s.camera_id LEFT JOIN audit_results r ON r.audit_id = s.id
WHERE %s ORDER BY s.id, r.direction`, s.equal(s.of(), "s.line", s.Line))
	},
}

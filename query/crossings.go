package query

import "fmt"

var crossings = Report{
	Name:    "crossings",
	Help:    "Crossings of lines, in and out, per camera and minute, hour or day.",
	Details: "in is from the left of the line to its right, seen from its first point to its second, out the opposite; balance is in less out. A line is known once it was crossed." + staffHelp + " " + coverageHelp,
	Flags:   and("line", "class", "without-staff", "bucket", "tz", "recount"),
	Columns: append([]string{"camera", "minute", "line", "in", "out", "balance"}, coverage...),
	Order:   []string{"camera", "minute", "line"},
	Bucket:  "1m",
	sql: func(s *statement) string {
		b := s.buckets("")
		where := s.equal(s.equal(s.in("minute"), "s.line", s.Line), "s.label", s.label())
		// A crossing may be there before its frame is.
		return fmt.Sprintf(`WITH RECURSIVE %s, %s, crossed AS (
    SELECT s.camera_id, s.line, %s AS bucket, coalesce(sum(s.crossings) FILTER (WHERE s.direction = 'in'), 0) AS n_in,
           coalesce(sum(s.crossings) FILTER (WHERE s.direction = 'out'), 0) AS n_out
    FROM %s s WHERE %s GROUP BY 1, 2, 3
), lines AS (
    SELECT b.*, n.line, CASE WHEN b.frames > 0 THEN 0 END AS nothing FROM line_names n JOIN b USING (camera_id) WHERE %s
)
SELECT c.name AS camera, bucket AS %s, line, coalesce(n_in, nothing) AS "in", coalesce(n_out, nothing) AS "out",
       coalesce(n_in - n_out, nothing) AS balance, coalesce(frames, 0) AS frames, coalesce(seconds, 0) AS seconds,
       coalesce(coverage, 0.000) AS coverage, coalesce(dropped, 0) AS dropped
FROM lines FULL JOIN crossed USING (camera_id, line, bucket) JOIN cameras c ON c.id = camera_id
ORDER BY `+s.byName("c.name")+`, bucket, line`, b, names("line", "crossing_minutes"), s.trunc("s.minute"), s.crossed(), where, s.equal(nil, "n.line", s.Line), units[s.Bucket])
	},
}

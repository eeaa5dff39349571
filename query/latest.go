package query

import "fmt"

var latest = Report{
	Name:    "latest",
	Help:    "The newest sighting of each camera.",
	Details: "up_to is the time up to which all figures of the camera are final: that of its newest sighting in the database. With --follow each new newest sighting is printed as it is committed, until Ctrl-C; of several within half a second the last.",
	Flags:   and("follow", "tz"),
	Columns: []string{"camera", "run", "seq", "captured_at", "people", "detections", "model", "up_to"},
	Order:   []string{"camera"},
	sql: func(s *statement) string {
		where := s.in("captured_at").String()
		newest := "latest_sightings s WHERE " + where
		if s.Run != "" || !s.Until.IsZero() { // the newest of these, which need not be the newest of all
			newest = "cameras c CROSS JOIN LATERAL (SELECT * FROM sightings s WHERE s.camera_id = c.id AND " + where +
				" ORDER BY s.captured_at DESC, s.run_id DESC, s.seq DESC LIMIT 1) s"
		}
		return fmt.Sprintf(`
SELECT c.name AS camera, r.run, n.seq, n.captured_at, n.people, n.objects AS detections, r.model, l.captured_at AS up_to
FROM (SELECT s.camera_id, s.run_id, s.seq, s.captured_at, s.people, s.objects FROM %s) n
JOIN cameras c ON c.id = n.camera_id JOIN runs r ON r.id = n.run_id
LEFT JOIN latest_sightings l ON l.camera_id = n.camera_id
ORDER BY `+s.byName("c.name"), newest)
	},
}

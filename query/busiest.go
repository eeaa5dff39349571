package query

import "fmt"

var busiest = Report{
	Name:    "busiest",
	Help:    "The hours, minutes or days with most people on average.",
	Details: "The buckets with the highest avg_people, then max_people; " + averageHelp + ", with --zone those whose feet are in the zone. Mind the coverage: an hour of which a minute was watched is compared by that minute. " + coverageHelp,
	Flags:   and("zone", "bucket", "tz", "top", "recount"),
	Columns: append([]string{"camera", "hour", "max_people", "avg_people"}, coverage...),
	Bucket:  "1h",
	sql: func(s *statement) string {
		top := s.Top
		if top == 0 {
			top = DefaultTop
		}
		return fmt.Sprintf(`WITH %s
SELECT c.name AS camera, b.bucket AS %s, b.max_people, %s AS avg_people, b.frames, b.seconds, b.coverage, b.dropped
FROM b JOIN cameras c ON c.id = b.camera_id WHERE b.frames > 0
ORDER BY b.people::numeric / b.frames DESC, b.max_people DESC, b.bucket, c.name LIMIT %s`, s.buckets(s.Zone), units[s.Bucket], average, s.arg(top))
	},
}

package query

import (
	"fmt"
	"time"
)

var gaps = Report{
	Name:    "gaps",
	Help:    "When a camera was blind.",
	Details: "The times between a camera's first sighting and its last in which no frame was processed, of --gap or longer, in whole seconds: from the first second without a frame to the next with one. With --since and --until, those that overlap the time between. What follows the last sighting is in `occupancy` (age_s).",
	Flags:   []string{"camera", "since", "until", "gap", "tz"},
	Columns: []string{"camera", "began", "ended", "seconds"},
	Order:   []string{"camera", "ended"},
	sql: func(s *statement) string {
		gap := s.Gap
		if gap == 0 {
			gap = DefaultGap
		}
		least := int64((gap + time.Second - 1) / time.Second)
		where := s.of()
		// The minutes around the asked time have the other ends of its gaps.
		from, to := "'-infinity'", "'infinity'"
		overlaps := conditions{"seen + interval '1 s' + " + s.arg(least) + " * interval '1 s' <= again"}
		if !s.Since.IsZero() {
			from = "coalesce((SELECT max(m.minute) FROM camera_minutes m WHERE m.camera_id = c.id AND m.minute < " + s.arg(s.Since) + "), '-infinity')"
			overlaps = append(overlaps, "again > "+s.arg(s.Since))
		}
		if !s.Until.IsZero() {
			to = "coalesce((SELECT min(m.minute) FROM camera_minutes m WHERE m.camera_id = c.id AND m.minute >= " + s.arg(s.Until) + "), 'infinity')"
			overlaps = append(overlaps, "seen + interval '1 s' < "+s.arg(s.Until))
		}
		// A minute's text has second 0 at its end. Only minutes with a gap inside are
		// looked at by the second.
		return fmt.Sprintf(`WITH minutes AS MATERIALIZED (
    SELECT s.camera_id, s.minute, bit_or(s.seconds)::bit(60)::text AS bits
    FROM cameras c CROSS JOIN LATERAL (SELECT %s::timestamptz AS a, %s::timestamptz AS z) r
    JOIN camera_minutes s ON s.camera_id = c.id AND s.minute BETWEEN r.a AND r.z WHERE %s GROUP BY 1, 2
), interrupted AS MATERIALIZED (
    SELECT * FROM minutes WHERE strpos(btrim(bits, '0'), repeat('0', %d)) > 0
), pairs AS (
    SELECT camera_id, lag(minute + (60 - strpos(bits, '1')) * interval '1 s') OVER (PARTITION BY camera_id ORDER BY minute) AS seen,
           minute + (strpos(reverse(bits), '1') - 1) * interval '1 s' AS again
    FROM minutes
    UNION ALL
    SELECT camera_id, lag(minute + n * interval '1 s') OVER (PARTITION BY camera_id, minute ORDER BY n), minute + n * interval '1 s'
    FROM interrupted CROSS JOIN LATERAL generate_series(0, 59) n WHERE substr(bits, 60 - n, 1) = '1'
)
SELECT c.name AS camera, p.seen + interval '1 s' AS began, p.again AS ended, extract(epoch FROM p.again - p.seen)::bigint - 1 AS seconds
FROM pairs p JOIN cameras c ON c.id = p.camera_id WHERE %s ORDER BY `+s.byName("c.name")+`, p.again`, from, to, where, min(least, 60), overlaps)
	},
}

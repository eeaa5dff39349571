package query

import "fmt"

const queueHelp = `The people in a zone are its queue, and the dwell of a visit is its wait: from the first detection in the zone to the last, in seconds. Visits of a day and longer, and of what is no person, are left out.`

var queue = Report{
	Name: "queue",
	Help: "People who wait in each zone and how long, now or over time.",
	Details: queueHelp + "\n\nWithout --since, --until and --bucket: the queue at the newest sighting of each camera (up_to, age_s seconds ago). " +
		"people is the number of visits that were not over then, median_s and longest_s how long they had waited.\n\n" +
		"With one of them: the columns camera, zone, hour (minute, day), avg_people, max_people, n, median_s, p90_s, " +
		"frames, seconds, coverage, dropped. avg_people and max_people are those of the frames in the bucket, " +
		"n the visits that ended in it, and the percentiles waits of these that were measured. " +
		"A visit ends in its last detection; it counts when it is over, 10 seconds later. " + coverageHelp,
	Flags:    []string{"camera", "zone"},
	Columns:  []string{"camera", "zone", "people", "median_s", "longest_s", "up_to", "age_s"},
	Order:    []string{"camera", "zone"},
	OverTime: &queueOverTime,
	sql: func(s *statement) string {
		return fmt.Sprintf(`WITH RECURSIVE %s, waiting AS (
    SELECT s.camera_id, s.zone, count(*) AS people,
           percentile_disc('{.5,1}'::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM l.captured_at - s.entered_at)) AS p
    FROM latest_sightings l CROSS JOIN LATERAL (SELECT * FROM visits v WHERE v.camera_id = l.camera_id AND v.run_id = l.run_id
         AND v.entered_at > l.captured_at - interval '1 day' AND v.left_at >= l.captured_at - interval '10 s' OFFSET 0) s
    %s
    WHERE %s GROUP BY 1, 2
)
SELECT c.name AS camera, n.zone, coalesce(w.people, 0) AS people, round(w.p[1], 3) AS median_s, round(w.p[2], 3) AS longest_s,
       s.captured_at AS up_to, round(extract(epoch FROM now() - s.captured_at), 1) AS age_s
FROM zone_names n JOIN cameras c ON c.id = n.camera_id JOIN latest_sightings s ON s.camera_id = n.camera_id
LEFT JOIN waiting w ON w.camera_id = n.camera_id AND w.zone = n.zone
WHERE %s ORDER BY `+s.byName("c.name")+`, n.zone`, names("zone", "zone_minutes"), classOfVisit, isPerson, s.equal(s.of(), "n.zone", s.Zone))
	},
}

// classOfVisit joins the track and the class of a visit s, and isPerson is the condition that
// it is not of something else. The track may have been deleted before its visits. LIMIT makes
// it a look into the index for each visit, so that the cost goes with these, not with all
// tracks.
const (
	classOfVisit = `LEFT JOIN LATERAL (SELECT * FROM tracks t WHERE t.run_id = s.run_id AND t.track_id = s.track_id LIMIT 1) t ON true
    LEFT JOIN classes k ON k.run_id = s.run_id AND k.class_id = t.class_id`
	isPerson = "t.thing IS NOT TRUE AND coalesce(k.label, 'person') = 'person'"
)

var queueOverTime = Report{
	Name:    "queue",
	Flags:   []string{"camera", "zone", "since", "until", "bucket", "tz", "recount"},
	Columns: append([]string{"camera", "zone", "hour", "avg_people", "max_people", "n", "median_s", "p90_s"}, coverage...),
	Order:   []string{"camera", "zone", "hour"},
	Bucket:  "1h",
	sql: func(s *statement) string {
		b := s.buckets("")
		people := s.equal(s.in("minute"), "s.zone", s.Zone)
		over := append(s.equal(s.in("left_at"), "s.zone", s.Zone), "s.left_at < s.entered_at + interval '1 day'", isPerson,
			"(l.run_id IS NULL OR r.finished_at IS NOT NULL OR s.left_at < l.captured_at - interval '10 s')")
		if !s.Since.IsZero() { // by an index
			over = append(over, "s.entered_at > "+s.arg(s.Since)+"::timestamptz - interval '1 day'")
		}
		if !s.Until.IsZero() {
			over = append(over, "s.entered_at < "+s.arg(s.Until))
		}
		return fmt.Sprintf(`WITH RECURSIVE %[1]s, %[2]s, lengths AS (
    SELECT s.camera_id, s.zone, %[3]s AS bucket, sum(s.people) AS sum_people, max(s.max_people) AS most
    FROM zone_minutes s WHERE %[4]s GROUP BY 1, 2, 3
), waits AS (
    SELECT s.camera_id, s.zone, %[5]s AS bucket, count(*) AS n,
           percentile_disc('{.5,.9}'::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM s.left_at - s.entered_at)) AS p
    FROM visits s JOIN runs r ON r.id = s.run_id LEFT JOIN latest_sightings l ON l.camera_id = s.camera_id AND l.run_id = s.run_id
    %[9]s
    WHERE %[6]s GROUP BY 1, 2, 3
), zones AS (
    SELECT b.*, n.zone, CASE WHEN b.frames > 0 THEN 0 END AS nobody FROM zone_names n JOIN b USING (camera_id) WHERE %[7]s
)
SELECT c.name AS camera, zone, bucket AS %[8]s, round(coalesce(sum_people, nobody) / nullif(frames, 0), 2) AS avg_people,
       coalesce(most, nobody) AS max_people, coalesce(n, nobody) AS n, round(p[1], 3) AS median_s, round(p[2], 3) AS p90_s,
       coalesce(frames, 0) AS frames, coalesce(seconds, 0) AS seconds, coalesce(coverage, 0.000) AS coverage,
       coalesce(dropped, 0) AS dropped
FROM zones LEFT JOIN lengths USING (camera_id, zone, bucket) FULL JOIN waits USING (camera_id, zone, bucket)
JOIN cameras c ON c.id = camera_id ORDER BY `+s.byName("c.name")+`, zone, bucket`,
			b, names("zone", "zone_minutes"), s.trunc("s.minute"), people, s.trunc("s.left_at"), over, s.equal(nil, "n.zone", s.Zone), units[s.Bucket], classOfVisit)
	},
}

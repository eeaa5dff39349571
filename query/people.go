package query

import "fmt"

const averageHelp = "max_people and avg_people count the detections labelled person in a frame"

var people = Report{
	Name:    "people",
	Help:    "People per camera and minute, hour or day.",
	Details: averageHelp + ", with --zone those whose feet are in the zone, and detections those of any class in all frames; with --zone they are left out. Before a camera's zone was configured nobody is in it. " + coverageHelp,
	Flags:   and("zone", "bucket", "tz", "recount"),
	Columns: append([]string{"camera", "minute", "frames", "detections", "max_people", "avg_people"}, coverage[1:]...),
	Order:   []string{"camera", "minute"},
	Bucket:  "1m",
	sql: func(s *statement) string {
		detections := "b.detections"
		if s.Zone != "" {
			detections = "NULL::bigint"
		}
		return fmt.Sprintf(`WITH %s
SELECT c.name AS camera, b.bucket AS %s, b.frames, %s AS detections, b.max_people, %s AS avg_people, b.seconds, b.coverage, b.dropped
FROM b JOIN cameras c ON c.id = b.camera_id ORDER BY `+s.byName("c.name")+`, b.bucket`, s.buckets(s.Zone), units[s.Bucket], detections, average)
	},
}

// average of people in the frames of b.
const average = "round(b.people::numeric / nullif(b.frames, 0), 2)"

var occupancy = Report{
	Name: "occupancy",
	Help: "People in each camera's picture and zones, now or over time.",
	Details: `Without --since, --until and --bucket: people in the newest sighting of each camera (zone is empty) and in each of its zones. up_to is that sighting's time, up to which all figures of the camera are final, and age_s its age in seconds. A zone is known once a person has been in it. people is empty where retention has removed the sighting's detections.

With one of them: the columns camera, zone, minute (hour, day), max_people, avg_people, ` +
		`frames, seconds, coverage, dropped, up_to. ` + coverageHelp,
	Flags:    []string{"camera", "zone"},
	Columns:  []string{"camera", "zone", "people", "up_to", "age_s"},
	Order:    []string{"camera", "zone"},
	OverTime: &occupancyOverTime,
	sql: func(s *statement) string {
		zone := s.equal(nil, "n.zone", s.Zone)
		whole := "SELECT s.camera_id, NULL::text AS zone, s.people::bigint, s.captured_at FROM newest s"
		if s.Zone != "" {
			whole = ""
		}
		return fmt.Sprintf(`WITH RECURSIVE %s, newest AS (
    SELECT s.* FROM latest_sightings s WHERE %s
), answers AS (
    %s
)
SELECT c.name AS camera, a.zone, a.people, a.captured_at AS up_to, round(extract(epoch FROM now() - a.captured_at), 1) AS age_s
FROM answers a JOIN cameras c ON c.id = a.camera_id ORDER BY `+s.byName("c.name")+`, a.zone NULLS FIRST`, names("zone", "zone_minutes"), s.of(), list("\n    UNION ALL\n    ", whole,
			`SELECT s.camera_id, n.zone, CASE WHEN f.seq IS NOT NULL THEN (
        SELECT count(*) FROM unnest(f.class_ids, f.zone_set_ids) AS d(class_id, zone_set_id)
        JOIN classes k ON k.run_id = f.run_id AND k.class_id = d.class_id AND k.label = 'person'
        JOIN zone_sets z ON z.id = d.zone_set_id WHERE n.zone = ANY (z.zones)) END AS people, s.captured_at
    FROM newest s JOIN zone_names n ON n.camera_id = s.camera_id
    LEFT JOIN sightings f ON f.camera_id = s.camera_id AND f.captured_at = s.captured_at AND f.run_id = s.run_id AND f.seq = s.seq
    WHERE `+zone.String()))
	},
}

var occupancyOverTime = Report{
	Name:    "occupancy",
	Flags:   []string{"camera", "zone", "since", "until", "bucket", "tz", "recount"},
	Columns: append(append([]string{"camera", "zone", "minute", "max_people", "avg_people"}, coverage...), "up_to"),
	Order:   []string{"camera", "zone", "minute"},
	Bucket:  "1m",
	sql: func(s *statement) string {
		whole := "SELECT camera_id, NULL::text AS zone, bucket, people, max_people FROM b"
		if s.Zone != "" {
			whole = ""
		}
		b := s.buckets("")
		in := s.equal(s.in("minute"), "s.zone", s.Zone)
		return fmt.Sprintf(`WITH RECURSIVE %s, %s, zones AS (
    SELECT s.camera_id, s.zone, %s AS bucket, sum(s.people) AS people, max(s.max_people) AS max_people
    FROM zone_minutes s WHERE %s GROUP BY 1, 2, 3
), places AS (
    %s
)
SELECT c.name AS camera, p.zone, b.bucket AS %s, p.max_people, round(p.people::numeric / nullif(b.frames, 0), 2) AS avg_people,
       b.frames, b.seconds, b.coverage, b.dropped, l.captured_at AS up_to
FROM places p JOIN b USING (camera_id, bucket) JOIN cameras c ON c.id = b.camera_id LEFT JOIN latest_sightings l ON l.camera_id = c.id
ORDER BY `+s.byName("c.name")+`, p.zone NULLS FIRST, b.bucket`, b, names("zone", "zone_minutes"), s.trunc("s.minute"), in, list("\n    UNION ALL\n    ", whole,
			`SELECT n.camera_id, n.zone, b.bucket, CASE WHEN b.frames > 0 THEN coalesce(z.people, 0) END AS people,
           CASE WHEN b.frames > 0 THEN coalesce(z.max_people, 0) END AS max_people
    FROM zone_names n JOIN b USING (camera_id) LEFT JOIN zones z ON z.camera_id = n.camera_id AND z.zone = n.zone AND z.bucket = b.bucket
    WHERE `+s.equal(nil, "n.zone", s.Zone).String()), units[s.Bucket])
	},
}

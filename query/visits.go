package query

import "fmt"

const visitHelp = "A visit is the stay of one tracked object in a zone; it ends when the object has not been in the zone for more than 10 seconds. Things, which are taken for people but never move, make none."

var visits = Report{
	Name:    "visits",
	Help:    "Stays of tracked objects in zones.",
	Details: visitHelp + " dwell_s is from its first detection in the zone to its last, in seconds, and frames the number of detections. --since and --until narrow entered_at." + staffHelp,
	Flags:   and("zone", "class", "min-dwell", "without-staff", "tz", "recount"),
	Columns: []string{"camera", "zone", "entered_at", "left_at", "dwell_s", "run", "track_id", "label", "frames"},
	Order:   []string{"entered_at", "camera", "zone", "run", "track_id"},
	sql: func(s *statement) string {
		where := s.classed(s.dwelt(s.equal(s.in("entered_at"), "s.zone", s.Zone)), "t.class_id")
		where = s.withoutStaff(append(where, "t.thing IS NOT TRUE"))
		return fmt.Sprintf(`
SELECT c.name AS camera, s.zone, s.entered_at, s.left_at, round(extract(epoch FROM s.left_at - s.entered_at), 3) AS dwell_s,
       r.run, s.track_id, l.label, s.frames
FROM visits s JOIN cameras c ON c.id = s.camera_id JOIN runs r ON r.id = s.run_id
LEFT JOIN tracks t ON t.run_id = s.run_id AND t.track_id = s.track_id
LEFT JOIN classes l ON l.run_id = s.run_id AND l.class_id = t.class_id
WHERE %s ORDER BY s.entered_at, `+s.byName("c.name")+`, s.zone, s.track_id`, where)
	},
}

var dwell = Report{
	Name:    "dwell",
	Help:    "How long visits of zones are, per hour, minute or day.",
	Details: visitHelp + " It counts in the bucket in which it began; n is the number of visits (with --min-dwell 2m, of those that lasted so long: loitering), and the percentiles are lengths that were measured, in seconds. A zone is known once a person has been in it." + staffHelp + " " + coverageHelp,
	Flags:   and("zone", "class", "min-dwell", "without-staff", "bucket", "tz", "recount"),
	Columns: append([]string{"camera", "zone", "hour", "n", "median_s", "p95_s", "max_s"}, coverage...),
	Order:   []string{"camera", "zone", "hour"},
	Bucket:  "1h",
	sql: func(s *statement) string {
		b := s.buckets("")
		where, join := s.dwelt(s.equal(s.in("entered_at"), "s.zone", s.Zone)), ""
		if s.Class != "" {
			join = " JOIN tracks t ON t.run_id = s.run_id AND t.track_id = s.track_id"
			where = s.classed(where, "t.class_id")
		}
		where = s.withoutStaff(append(where, "NOT EXISTS (SELECT FROM tracks n WHERE n.thing AND n.run_id = s.run_id AND n.track_id = s.track_id)"))
		// The lengths are sorted by themselves, which takes half the time of sorting the rows.
		return fmt.Sprintf(`WITH RECURSIVE %s, %s, stays AS (
    SELECT camera_id, zone, bucket, n,
           (SELECT percentile_disc('{.5,.95,1}'::float8[]) WITHIN GROUP (ORDER BY d) FROM unnest(lengths) d) AS p
    FROM (SELECT s.camera_id, s.zone, %s AS bucket, count(*) AS n, array_agg(date_part('epoch', s.left_at - s.entered_at)) AS lengths
          FROM visits s%s WHERE %s GROUP BY 1, 2, 3) v
), zones AS (
    SELECT b.*, n.zone, CASE WHEN b.frames > 0 THEN 0 END AS nobody FROM zone_names n JOIN b USING (camera_id) WHERE %s
)
SELECT c.name AS camera, zone, bucket AS %s, coalesce(n, nobody) AS n,
       round(p[1]::numeric, 3) AS median_s, round(p[2]::numeric, 3) AS p95_s, round(p[3]::numeric, 3) AS max_s,
       coalesce(frames, 0) AS frames, coalesce(seconds, 0) AS seconds, coalesce(coverage, 0.000) AS coverage,
       coalesce(dropped, 0) AS dropped
FROM zones FULL JOIN stays USING (camera_id, zone, bucket) JOIN cameras c ON c.id = camera_id
ORDER BY `+s.byName("c.name")+`, zone, bucket`, b, names("zone", "zone_minutes"), s.trunc("s.entered_at"), join, where, s.equal(nil, "n.zone", s.Zone), units[s.Bucket])
	},
}

// dwelt appends the condition that a visit has lasted as long as the filter says.
func (s *statement) dwelt(c conditions) conditions {
	if s.MinDwell == 0 {
		return c
	}
	return append(c, "s.left_at >= s.entered_at + "+s.arg(s.MinDwell))
}

var tracks = Report{
	Name:    "tracks",
	Help:    "Tracked objects, from their first detection to their last.",
	Details: "Without things, which are taken for people but never move. score is the best of its detections, label the class of that one, and frames the number of detections. The way it took is in the view v_tracks. --since and --until narrow first_at." + staffHelp,
	Flags:   and("class", "min-score", "without-staff", "tz"),
	Columns: []string{"camera", "first_at", "last_at", "duration_s", "run", "track_id", "label", "score", "frames"},
	Order:   []string{"first_at", "camera", "run", "track_id"},
	sql: func(s *statement) string {
		where := s.withoutStaff(s.classed(s.in("first_at"), "s.class_id"))
		if s.MinScore > 0 {
			where = append(where, "s.score >= "+s.arg(float32(s.MinScore)))
		}
		where = append(where, "NOT s.thing")
		return fmt.Sprintf(`
SELECT c.name AS camera, s.first_at, s.last_at, round(extract(epoch FROM s.last_at - s.first_at), 3) AS duration_s,
       r.run, s.track_id, l.label, s.score, s.frames
FROM tracks s JOIN cameras c ON c.id = s.camera_id JOIN runs r ON r.id = s.run_id
LEFT JOIN classes l ON l.run_id = s.run_id AND l.class_id = s.class_id
WHERE %s ORDER BY s.first_at, `+s.byName("c.name")+`, s.track_id`, where)
	},
}

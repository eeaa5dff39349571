package query

import (
	"fmt"
)

// names is the expression zone_names or line_names, with camera_id and each name that the
// camera has in a table whose primary key begins with both: one look into the index for
// each name, however many rows there are. It belongs into WITH RECURSIVE.
func names(column, table string) string {
	return fmt.Sprintf(`%[1]s_found AS (
    SELECT c.id AS camera_id, (SELECT min(t.%[1]s) FROM %[2]s t WHERE t.camera_id = c.id) AS %[1]s FROM cameras c
    UNION ALL
    SELECT f.camera_id, (SELECT min(t.%[1]s) FROM %[2]s t WHERE t.camera_id = f.camera_id AND t.%[1]s > f.%[1]s)
    FROM %[1]s_found f WHERE f.%[1]s IS NOT NULL
), %[1]s_names AS (
    SELECT camera_id, %[1]s FROM %[1]s_found WHERE %[1]s IS NOT NULL
)`, column, table)
}

// trunc returns the bucket of a time, in the session's time zone.
func (s *statement) trunc(time string) string {
	return fmt.Sprintf("date_trunc('%s', %s)", units[s.Bucket], time)
}

// minutes is the expression minutes: for each camera and minute the totals of camera_minutes.
// With zone, people and max_people are those in the zone, of the cameras that have it.
func (s *statement) minutes(zone string) string {
	where := s.in("minute")
	people, most, join := "s.people", "s.max_people", ""
	if zone != "" {
		name := s.arg(zone)
		people, most = "coalesce(z.people, 0)", "coalesce(z.max_people, 0)"
		join = " LEFT JOIN zone_minutes z ON z.camera_id = s.camera_id AND z.zone = " + name + " AND z.minute = s.minute AND z.run_id = s.run_id"
		where = append(where, "EXISTS (SELECT FROM zone_minutes h WHERE h.camera_id = s.camera_id AND h.zone = "+name+")")
	}
	// Several runs may have frames in one second. Most minutes have one in each of 60.
	return fmt.Sprintf(`minutes AS (
    SELECT s.camera_id, s.minute, sum(s.frames) AS frames, %s AS people, max(%s) AS max_people,
           %s AS detections, %s AS dropped,
           CASE bit_or(s.seconds) WHEN %d THEN 60 ELSE sightlog_seconds(bit_or(s.seconds)) END AS seconds
    FROM camera_minutes s%s WHERE %s GROUP BY 1, 2
)`, sum(people), most, sum("s.detections"), sum("s.dropped"), everySecond, join, where)
}

// buckets is the expression b: for each camera and bucket the totals, of minutes or half hours,
// and the coverage; with zone as minutes has them. A minute without frames has no row; of an hour and a day there is
// one, with null for people, max_people and detections.
func (s *statement) buckets(zone string) string {
	unit := units[s.Bucket]
	if unit == "minute" {
		return s.minutes(zone) + `, b AS (SELECT *, minute AS bucket, CASE seconds WHEN 60 THEN 1.000 ELSE round(seconds / 60.0, 3) END AS coverage FROM minutes)`
	}
	prefix, watched := "", "SELECT *, minute AS at FROM minutes"
	if zone != "" {
		prefix = s.minutes(zone) + ", "
	} else {
		watched = "SELECT *, most AS max_people FROM (" + s.watched(ofHalfHours(s.TZ)) + ") m"
	}
	return prefix + fmt.Sprintf(`watched AS (
    SELECT camera_id, %[1]s AS bucket, sum(frames)::bigint AS frames, sum(people)::bigint AS people, max(max_people) AS max_people,
           sum(detections)::bigint AS detections, sum(dropped)::bigint AS dropped, sum(seconds) AS seconds
    FROM (%[4]s) w GROUP BY 1, 2
), every AS (
    SELECT DISTINCT camera_id, date_trunc('%[2]s', t) AS bucket FROM (%[3]s) f
), b AS (
    SELECT camera_id, bucket, coalesce(frames, 0) AS frames, people, max_people, detections,
           coalesce(dropped, 0) AS dropped, coalesce(seconds, 0) AS seconds,
           round(coalesce(seconds, 0) / extract(epoch FROM bucket + interval '1 %[2]s' - bucket), 3) AS coverage
    FROM every LEFT JOIN watched USING (camera_id, bucket)
)`, s.trunc("at"), unit, s.every(zone), watched)
}

// every is a query that lists the buckets that need a row, also empty ones, by times t in
// them: each camera's from its first to its last with frames, or as far as since and until
// reach, but not before its first frame ever nor after now. Half an hour is the smallest
// step between the buckets of any time zone. A stretch of more than a year without a frame has
// no rows: the camera's clock was wrong at one of its ends.
func (s *statement) every(zone string) string {
	times := "SELECT camera_id, bucket AS t FROM watched"
	if (!s.Since.IsZero() || !s.Until.IsZero()) && s.Run == "" {
		first, last := "a.minute", "now()"
		if !s.Since.IsZero() {
			first = "greatest(a.minute, " + s.arg(s.Since) + ")"
		}
		if !s.Until.IsZero() {
			last = "least(now(), " + s.arg(s.Until) + "::timestamptz - interval '1 us')"
		}
		var which conditions
		which = s.equal(which, "c.name", s.Camera)
		if zone != "" {
			which = append(which, "EXISTS (SELECT FROM zone_minutes h WHERE h.camera_id = c.id AND h.zone = "+s.arg(zone)+")")
		}
		first = s.trunc(first)
		times += fmt.Sprintf(` UNION ALL
          SELECT a.camera_id, e.t
          FROM (SELECT c.id AS camera_id, (SELECT min(minute) FROM camera_minutes m WHERE m.camera_id = c.id) AS minute
                FROM cameras c WHERE %s) a CROSS JOIN LATERAL (VALUES (%s), (%s)) e(t) WHERE %s <= %s`, which, first, last, first, last)
	}
	return `SELECT camera_id, generate_series(CASE WHEN t - before > interval '366 days' THEN t ELSE before END, t, '30 min') AS t
          FROM (SELECT camera_id, t, lag(t, 1, t) OVER (PARTITION BY camera_id ORDER BY t) AS before FROM (` + times + `) p) q`
}

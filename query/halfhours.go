package query

import (
	"fmt"
	"time"
)

const halfHour = 30 * time.Minute

// everySecond are the bits of a minute in which a frame was processed in each second.
const everySecond = int64(1)<<60 - 1

// parts are the conditions for the minutes and half hours of the filter's time: its whole
// half hours, and the minutes before and after these. With coarse false, or less than a whole
// half hour, all of it is minutes, and halves is nil.
func (s *statement) parts(coarse bool) (minutes, halves conditions) {
	since := s.Since.Truncate(time.Minute)
	from, to := since.Add(halfHour-1).Truncate(halfHour), s.Until.Truncate(halfHour)
	if !coarse || !from.Before(to) {
		return s.in("minute"), nil
	}
	a, z := s.arg(from), s.arg(to)
	halves = append(s.of(), "s.half_hour >= "+a, "s.half_hour < "+z)
	minutes = append(s.of(), fmt.Sprintf("(s.minute >= %s AND s.minute < %s OR s.minute >= %s AND s.minute < %s)", s.arg(since), a, z, s.arg(s.Until)))
	return minutes, halves
}

// watched is a query for what each camera saw: camera_id, at (a minute or a half hour),
// frames, people, most and seconds. Several runs may have frames in one second.
func (s *statement) watched(coarse bool) string {
	minutes, halves := s.parts(coarse)
	sql := fmt.Sprintf(`SELECT camera_id, minute AS at, frames, people, most, CASE bits WHEN %d THEN 60 ELSE sightlog_seconds(bits) END AS seconds
FROM (SELECT s.camera_id, s.minute, %s AS frames, %s AS people, max(s.max_people) AS most, bit_or(s.seconds) AS bits
      FROM camera_minutes s WHERE %s GROUP BY 1, 2) m`, everySecond, sum("s.frames"), sum("s.people"), minutes)
	if halves == nil {
		return sql
	}
	return sql + fmt.Sprintf(`
UNION ALL
SELECT s.camera_id, s.half_hour, %s, %s, max(s.max_people),
       CASE count(*) WHEN 1 THEN max(s.seconds_count) ELSE (SELECT length(replace(bit_or(h.seconds)::text, '0', ''))
           FROM camera_half_hours h WHERE h.camera_id = s.camera_id AND h.half_hour = s.half_hour) END
FROM camera_half_hours s WHERE %s GROUP BY 1, 2`, sum("s.frames"), sum("s.people"), halves)
}

// peopleCrossed is a query for the crossings of people over the filter's line: camera_id,
// line, direction, at and crossings.
func (s *statement) peopleCrossed(coarse bool) string {
	minutes, halves := s.parts(coarse)
	const from = "SELECT s.camera_id, s.line, s.direction, s.%s AS at, s.crossings FROM %s s WHERE %s"
	sql := fmt.Sprintf(from, "minute", "crossing_minutes", s.equal(append(minutes, "s.label = 'person'"), "s.line", s.Line))
	if halves == nil {
		return sql
	}
	return sql + "\nUNION ALL\n" + fmt.Sprintf(from, "half_hour", "crossing_half_hours", s.equal(append(halves, "s.label = 'person'"), "s.line", s.Line))
}

// watchedZone is watched with the people in a zone.
func (s *statement) watchedZone(zone string) string {
	z := s.arg(zone)
	return fmt.Sprintf(`SELECT camera_id, minute AS at, frames, people, most, CASE bits WHEN %d THEN 60 ELSE sightlog_seconds(bits) END AS seconds
FROM (SELECT s.camera_id, s.minute, %s AS frames, %s AS people, max(coalesce(z.max_people, 0)) AS most, bit_or(s.seconds) AS bits
      FROM camera_minutes s
      LEFT JOIN zone_minutes z ON z.camera_id = s.camera_id AND z.zone = %s AND z.minute = s.minute AND z.run_id = s.run_id
      WHERE %s GROUP BY 1, 2) m`, everySecond, sum("s.frames"), sum("coalesce(z.people, 0)"), z, s.in("minute"))
}

package query

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const halfHour = 30 * time.Minute

// everySecond are the bits of a minute in which a frame was processed in each second.
const everySecond = int64(1)<<60 - 1

// sum adds up a bigint of a minute's rows. PostgreSQL would add as numeric, which takes
// several times as long; the sums of a minute are far below 2^53, to which float8 is exact.
func sum(column string) string { return "sum((" + column + ")::float8)::bigint" }

// parts are the conditions for the minutes and half hours of the filter's time: its whole
// half hours, and the minutes before and after these. With coarse false, or less than a whole
// half hour, all of it is minutes, and halves is nil.
func (s *statement) parts(coarse bool) (minutes, halves conditions) {
	since := s.Since.Truncate(time.Minute)
	from, to := since.Add(halfHour-1).Truncate(halfHour), s.Until.Truncate(halfHour)
	if !coarse || !s.Since.IsZero() && !s.Until.IsZero() && !from.Before(to) {
		return s.in("minute"), nil
	}
	halves = append(conditions{}, s.of()...) // not nil
	edges := conditions{"false"}
	if !s.Since.IsZero() {
		a := s.arg(from)
		halves = append(halves, "s.half_hour >= "+a)
		edges = append(edges, "s.minute >= "+s.arg(since)+" AND s.minute < "+a)
	}
	if !s.Until.IsZero() {
		z := s.arg(to)
		halves = append(halves, "s.half_hour < "+z)
		edges = append(edges, "s.minute >= "+z+" AND s.minute < "+s.arg(s.Until))
	}
	return append(s.of(), "("+strings.Join(edges, " OR ")+")"), halves
}

// watched is a query for what each camera saw: camera_id, at (a minute or a half hour),
// frames, people, most, detections, dropped and seconds. Several runs may have frames in one
// second.
func (s *statement) watched(coarse bool) string {
	minutes, halves := s.parts(coarse)
	totals := fmt.Sprintf("%s AS frames, %s AS people, max(s.max_people) AS most, %s AS detections, %s AS dropped",
		sum("s.frames"), sum("s.people"), sum("s.detections"), sum("s.dropped"))
	sql := fmt.Sprintf(`SELECT camera_id, minute AS at, frames, people, most, detections, dropped,
       CASE bits WHEN %d THEN 60 ELSE sightlog_seconds(bits) END AS seconds
FROM (SELECT s.camera_id, s.minute, %s, bit_or(s.seconds) AS bits
      FROM camera_minutes s WHERE %s GROUP BY 1, 2) m`, everySecond, totals, minutes)
	if halves == nil {
		return sql
	}
	return sql + fmt.Sprintf(`
UNION ALL
SELECT s.camera_id, s.half_hour, %s,
       CASE count(*) WHEN 1 THEN max(s.seconds_count) ELSE (SELECT length(replace(bit_or(h.seconds)::text, '0', ''))
           FROM camera_half_hours h WHERE h.camera_id = s.camera_id AND h.half_hour = s.half_hour) END
FROM camera_half_hours s WHERE %s GROUP BY 1, 2`, totals, halves)
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

// ofHalfHours reports whether all hours and days of a time zone since 1970 begin at a half hour
// of UTC: not in Kathmandu, whose clocks are 5:45 ahead. Of a zone that Go does not know it
// reports false.
func ofHalfHours(tz string) bool {
	if answer, ok := halfHourZones.Load(tz); ok {
		return answer.(bool)
	}
	zone, err := time.LoadLocation(tz)
	even := err == nil
	for year := 1970; even && year < 2100; year++ {
		for _, month := range []time.Month{time.January, time.July} {
			_, offset := time.Date(year, month, 1, 0, 0, 0, 0, zone).Zone()
			even = even && offset%int(halfHour.Seconds()) == 0
		}
	}
	halfHourZones.Store(tz, even)
	return even
}

// halfHourZones are the answers of ofHalfHours, by the names of zones that exist.
var halfHourZones sync.Map

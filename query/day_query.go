package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// dayQuery asks for the parts of a Day.
type dayQuery struct {
	ctx     context.Context
	tx      pgx.Tx
	f       Filter
	days    []timeRange // the day as far as it has come, and the same weekdays before
	staffed []int32     // cameras with rules for staff
	sum     *daySum
}

type timeRange struct {
	day          string
	since, until time.Time
}

// in returns a statement on a time of the day, of the filter's camera.
func (q *dayQuery) in(r timeRange) *statement {
	f := q.f
	f.Since, f.Until, f.Bucket = r.since, r.until, "1h"
	return &statement{Filter: f}
}

func (q *dayQuery) each(s *statement, sql string, targets []any, use func() error) error {
	return each(q.ctx, q.tx, sql, s.args, targets, use)
}

// bounds asks when the day and the hours begin. Of a day in progress the days before are
// compared up to the same time by the clock, in whole minutes.
func (q *dayQuery) bounds(day string, now time.Time) error {
	d := &Day{TZ: q.f.TZ, UpTo: now}
	if d.TZ == "" {
		d.TZ = "UTC"
	}
	var k int
	var r timeRange
	var end time.Time
	err := each(q.ctx, q.tx, `
SELECT k, b.day::text, b.day::timestamptz, (b.day + 1)::timestamptz,
       CASE WHEN q.now >= (q.day + 1)::timestamptz THEN (b.day + 1)::timestamptz
            ELSE greatest(b.day::timestamptz, least((b.day + 1)::timestamptz,
                date_trunc('minute', (q.now::timestamp - 7 * k * interval '1 day')::timestamptz))) END
FROM (SELECT coalesce(nullif($1::text, '')::date, $2::timestamptz::date) AS day, $2::timestamptz AS now) q
CROSS JOIN generate_series(0, $3::integer) AS k CROSS JOIN LATERAL (SELECT q.day - 7 * k AS day) b ORDER BY k`,
		[]any{day, now, pastWeeks}, []any{&k, &r.day, &r.since, &end, &r.until}, func() error {
			if k == 0 {
				d.Day, d.Since, d.Until = r.day, r.since.UTC(), end.UTC()
				d.InProgress = !now.Before(d.Since) && now.Before(d.Until)
				d.UpTo = laterOf(d.Since, earlierOf(now, d.Until)).UTC()
				r.until = d.UpTo
			}
			q.days = append(q.days, r)
			return nil
		})
	if err != nil {
		return err
	}
	var hour time.Time
	err = each(q.ctx, q.tx, "SELECT DISTINCT date_trunc('hour', t) FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 us', '30 min') t ORDER BY 1",
		[]any{d.Since, d.Until}, []any{&hour}, func() error {
			d.Hours = append(d.Hours, hour.UTC())
			return nil
		})
	q.sum = newDaySum(d)
	return err
}

// staff asks for the cameras whose tracks may be of staff.
func (q *dayQuery) staff() error {
	var id int32
	q.staffed = []int32{}
	return each(q.ctx, q.tx, "SELECT DISTINCT c.id FROM staff_rules r JOIN cameras c ON c.name = r.camera", nil, []any{&id}, func() error {
		q.staffed = append(q.staffed, id)
		q.sum.d.NoStaff = true
		return nil
	})
}

// noStaff appends the condition that a row of s is of no track of staff.
func (q *dayQuery) noStaff(s *statement, c conditions) conditions {
	if len(q.staffed) == 0 {
		return c
	}
	return append(c, "(s.camera_id <> ALL ("+s.arg(q.staffed)+`::integer[]) OR NOT EXISTS (
    SELECT FROM v_staff_tracks f WHERE f.run_id = s.run_id AND f.track_id = s.track_id))`)
}

// cameras asks for those that had a frame before the end of the day.
func (q *dayQuery) cameras() error {
	s := q.in(q.days[0])
	where := conditions{"(SELECT min(m.minute) FROM camera_minutes m WHERE m.camera_id = c.id) < " + s.arg(s.Until)}
	where = s.equal(where, "c.name", s.Camera)
	if s.Zone != "" {
		where = append(where, "EXISTS (SELECT FROM zone_minutes h WHERE h.camera_id = c.id AND h.zone = "+s.arg(s.Zone)+")")
	}
	var camera string
	return q.each(s, "SELECT c.name FROM cameras c WHERE "+where.String(), []any{&camera}, func() error {
		q.sum.camera(camera)
		return nil
	})
}

// minutes asks for each camera's hours: frames, people in view, and the minute with most of
// them, as people * 10000 + 9999 - its number, so that the earliest is taken.
func (q *dayQuery) minutes() error {
	s := q.in(q.days[0])
	people, most, join := "s.people", "s.max_people", ""
	where := s.in("minute")
	if s.Zone != "" {
		zone := s.arg(s.Zone)
		people, most = "coalesce(z.people, 0)", "coalesce(z.max_people, 0)"
		join = " LEFT JOIN zone_minutes z ON z.camera_id = s.camera_id AND z.zone = " + zone + " AND z.minute = s.minute AND z.run_id = s.run_id"
		where = append(where, "EXISTS (SELECT FROM zone_minutes h WHERE h.camera_id = s.camera_id AND h.zone = "+zone+")")
	}
	var camera *string
	var hour time.Time
	var frames, sumPeople, seconds, coded int64
	return q.each(s, fmt.Sprintf(`WITH minutes AS MATERIALIZED (
    SELECT s.camera_id, s.minute, %[1]s AS frames, %[2]s AS people, max(%[3]s)::bigint AS most, bit_or(s.seconds) AS bits
    FROM camera_minutes s%[4]s WHERE %[5]s GROUP BY 1, 2
), coded AS (
    SELECT *, date_trunc('hour', minute) AS hour, 9999 - (extract(epoch FROM minute - %[6]s::timestamptz) / 60)::bigint AS place
    FROM minutes
)
SELECT c.name, m.hour, m.frames, m.people, m.seconds, m.coded
FROM (SELECT camera_id, hour, sum(frames)::bigint AS frames, sum(people)::bigint AS people, max(most * 10000 + place) AS coded,
             sum(CASE bits WHEN %[7]d THEN 60 ELSE sightlog_seconds(bits) END)::bigint AS seconds
      FROM coded GROUP BY 1, 2) m JOIN cameras c ON c.id = m.camera_id
UNION ALL
SELECT NULL, hour, 0, 0, 0, max(coded)
FROM (SELECT hour, minute, sum(most)::bigint * 10000 + place AS coded FROM coded GROUP BY hour, minute, place) a GROUP BY hour`,
		sum("s.frames"), sum(people), most, join, where, s.arg(q.days[0].since), everySecond),
		[]any{&camera, &hour, &frames, &sumPeople, &seconds, &coded}, func() error {
			q.sum.minutes(camera, hour, frames, sumPeople, seconds, coded/10000, 9999-coded%10000)
			return nil
		})
}

// newest asks for the people in each camera's newest sighting of the day.
func (q *dayQuery) newest() error {
	if !q.sum.d.InProgress || q.f.Zone != "" {
		return nil
	}
	s := q.in(q.days[0])
	var camera string
	var people int64
	var at time.Time
	return q.each(s, "SELECT c.name, s.people::bigint, s.captured_at FROM latest_sightings s JOIN cameras c ON c.id = s.camera_id WHERE "+
		append(s.of(), "s.captured_at >= "+s.arg(s.Since)).String(), []any{&camera, &people, &at}, func() error {
		q.sum.newest(camera, people, at)
		return nil
	})
}

// tracks asks how many tracks began, by camera and hour, and on the days before.
func (q *dayQuery) tracks() error {
	for k, r := range q.days {
		s := q.in(r)
		where := q.noStaff(s, append(s.in("first_at"), "NOT s.thing"))
		if s.Zone != "" {
			where = append(where, "EXISTS (SELECT FROM visits v WHERE v.run_id = s.run_id AND v.track_id = s.track_id AND v.zone = "+s.arg(s.Zone)+")")
		}
		var camera string
		var hour time.Time
		var n int64
		if err := q.each(s, fmt.Sprintf(`SELECT c.name, date_trunc('hour', s.first_at), count(*)
FROM tracks s JOIN classes k ON k.run_id = s.run_id AND k.class_id = s.class_id AND k.label = 'person' JOIN cameras c ON c.id = s.camera_id
WHERE %s GROUP BY 1, 2`, where), []any{&camera, &hour, &n}, func() error {
			q.sum.tracks(k, camera, hour, n)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// crossings asks for those of people. Where staff is left out, the rows say whose they are.
func (q *dayQuery) crossings() error {
	for k, r := range q.days {
		s := q.in(r)
		coarse := !slices.ContainsFunc(q.sum.d.Hours, func(at time.Time) bool { return at.Unix()%1800 != 0 })
		from := s.peopleCrossed(coarse)
		if len(q.staffed) > 0 {
			from = "SELECT * FROM (" + from + ") s WHERE s.camera_id <> ALL (" + s.arg(q.staffed) + "::integer[])"
			rows := q.noStaff(s, s.equal(append(s.in("captured_at"), "s.label = 'person'"), "s.line", s.Line))
			rows = append(rows, "s.camera_id = ANY ("+s.arg(q.staffed)+"::integer[])")
			from += "\nUNION ALL\nSELECT s.camera_id, s.line, s.direction, s.captured_at, 1 FROM crossings s WHERE " + rows.String()
		}
		var camera, line, direction string
		var hour time.Time
		var n int64
		if err := q.each(s, fmt.Sprintf(`SELECT c.name, s.line, s.direction, date_trunc('hour', s.at), sum(s.crossings)::bigint
FROM (%s) s JOIN cameras c ON c.id = s.camera_id GROUP BY 1, 2, 3, 4`, from), []any{&camera, &line, &direction, &hour, &n}, func() error {
			q.sum.crossings(k, camera, line, direction, hour, n)
			return nil
		}); err != nil {
			return err
		}
	}
	return q.lines()
}

// lines asks for the lines of the cameras, which are known once they were crossed.
func (q *dayQuery) lines() error {
	s := q.in(q.days[0])
	var camera, line string
	return q.each(s, "WITH RECURSIVE "+names("line", "crossing_minutes")+" SELECT c.name, s.line FROM line_names s JOIN cameras c ON c.id = s.camera_id WHERE "+
		s.equal(s.of(), "s.line", s.Line).String(), []any{&camera, &line}, func() error {
		q.sum.line(camera, line)
		return nil
	})
}

// past asks how long each camera was watched on the days before.
func (q *dayQuery) past() error {
	for k, r := range q.days[1:] {
		s := q.in(r)
		var camera string
		var seconds int64
		if err := q.each(s, fmt.Sprintf(`SELECT c.name, m.seconds FROM (SELECT camera_id, sum(seconds)::bigint AS seconds FROM (%s) w GROUP BY 1) m
JOIN cameras c ON c.id = m.camera_id`, s.watched(true)), []any{&camera, &seconds}, func() error {
			q.sum.watched(k+1, camera, seconds)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

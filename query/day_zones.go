package query

import (
	"fmt"
	"time"
)

// zones asks for the people in the zones: the most in an hour and its minute, coded as in
// minutes.
func (q *dayQuery) zones() error {
	s := q.in(q.days[0])
	var camera, zone string
	if err := q.each(s, "WITH RECURSIVE "+names("zone", "zone_minutes")+" SELECT c.name, s.zone FROM zone_names s JOIN cameras c ON c.id = s.camera_id WHERE "+
		s.equal(s.of(), "s.zone", s.Zone).String(), []any{&camera, &zone}, func() error {
		q.sum.zone(camera, zone)
		return nil
	}); err != nil {
		return err
	}
	var hour time.Time
	var coded int64
	s = q.in(q.days[0])
	return q.each(s, fmt.Sprintf(`SELECT c.name, s.zone, date_trunc('hour', s.minute),
    max(s.max_people::bigint * 10000 + 9999 - (extract(epoch FROM s.minute - %s::timestamptz) / 60)::bigint)
FROM zone_minutes s JOIN cameras c ON c.id = s.camera_id WHERE %s GROUP BY 1, 2, 3`, s.arg(q.days[0].since), s.equal(s.in("minute"), "s.zone", s.Zone)),
		[]any{&camera, &zone, &hour, &coded}, func() error {
			q.sum.zone(camera, zone).InView.highest(q.sum, hour, coded/10000, 9999-coded%10000)
			return nil
		})
}

// visits asks for the visits of people that began, by the hour, and their lengths.
func (q *dayQuery) visits() error {
	s := q.in(q.days[0])
	where := q.noStaff(s, append(s.equal(s.in("entered_at"), "s.zone", s.Zone), isPerson))
	var camera, zone string
	var hour *time.Time
	var n int64
	var lengths []float64
	return q.each(s, fmt.Sprintf(`SELECT c.name, v.zone, v.hour, v.n, v.lengths
FROM (SELECT s.camera_id, s.zone, date_trunc('hour', s.entered_at) AS hour, count(*) AS n,
             percentile_disc('{.5,.9}'::float8[]) WITHIN GROUP (ORDER BY date_part('epoch', s.left_at - s.entered_at)) AS lengths
      FROM visits s LEFT JOIN tracks t ON t.run_id = s.run_id AND t.track_id = s.track_id
      LEFT JOIN classes k ON k.run_id = s.run_id AND k.class_id = t.class_id
      WHERE %s GROUP BY GROUPING SETS ((1, 2), (1, 2, 3))) v JOIN cameras c ON c.id = v.camera_id`, where),
		[]any{&camera, &zone, &hour, &n, &lengths}, func() error {
			z := q.sum.zone(camera, zone)
			if hour != nil {
				q.sum.add(z.Visits.ByHour, *hour, n)
				return nil
			}
			z.Visits.N, z.MedianS, z.P90S = n, new(lengths[0]), new(lengths[1])
			return nil
		})
}

// queue asks how many wait now, as the report queue does.
func (q *dayQuery) queue() error {
	if !q.sum.d.InProgress || q.f.Recount > 0 { // a recount is of the past
		return nil
	}
	s := &statement{Filter: Filter{Camera: q.f.Camera, Zone: q.f.Zone}}
	var camera, zone string
	var people int64
	var median, longest *float64
	var upTo time.Time
	var age float64
	return q.each(s, queue.sql(s), []any{&camera, &zone, &people, &median, &longest, &upTo, &age}, func() error {
		if upTo.Before(q.days[0].since) {
			return nil
		}
		z := q.sum.zone(camera, zone)
		z.InView.UpTo = new(upTo.UTC())
		if q.sum.fresh(upTo) {
			z.InView.present(q.sum, people, upTo)
			z.LongestS = longest
		}
		return nil
	})
}

// places asks for the crossings into and out of the places by the minute, since the last reset
// before the day, and for the beginnings of its hours: at each reset the balance begins at 0.
// It is sightlog_balance without the columns that say how far that may be wrong, which take
// seconds.
func (q *dayQuery) places() error {
	if q.f.Zone != "" || q.f.Line != "" {
		return nil
	}
	s := q.in(q.days[0])
	var place string
	var capacity *int64
	var at, reset time.Time
	var in, out int64
	since, until, where := s.arg(s.Since)+"::timestamptz", s.arg(s.Until)+"::timestamptz", s.places()
	hours := s.arg(q.sum.d.Hours) + "::timestamptz[]"
	return q.each(s, fmt.Sprintf(`SELECT p.name, p.capacity::bigint, x.at, sightlog_reset(x.at, p.reset_at, p.tz), x.n_in, x.n_out
FROM places p CROSS JOIN LATERAL (
    SELECT m.minute AS at, 1 AS kind, m."in" AS n_in, m."out" AS n_out FROM v_place_crossings m
    WHERE m.place = p.name AND m.minute >= sightlog_reset(%[1]s, p.reset_at, p.tz) AND m.minute < %[2]s
    UNION ALL SELECT h, 0, 0, 0 FROM unnest(%[3]s) h WHERE h <= %[2]s
    UNION ALL SELECT %[2]s, 2, 0, 0) x
WHERE %[4]s ORDER BY p.name, x.at, x.kind`, since, until, hours, where),
		[]any{&place, &capacity, &at, &reset, &in, &out}, func() error {
			q.sum.place(place, capacity, at, reset, in, out)
			return nil
		})
}

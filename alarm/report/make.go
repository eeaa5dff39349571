package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/query"
)

// leastGap is the shortest gap that a report lists.
const leastGap = time.Minute

// Make asks for the figures of a period. now is the present time.
func Make(ctx context.Context, db *pgxpool.Pool, r *rule.Report, p rule.Period, now time.Time) (*Report, error) {
	out := &Report{Name: r.Name, Every: r.Every, TZ: r.Zone().String(), Camera: r.CameraName, Since: p.Since.UTC(), Until: p.Until.UTC()}
	f := query.Filter{Camera: r.CameraName, TZ: out.TZ}
	for i, date := range p.Days() {
		d, err := query.DayOf(ctx, db, f, date, now)
		if err != nil {
			return nil, fmt.Errorf("report %s: figures of %s: %w", r.Name, date, err)
		}
		out.add(d, i == 0)
	}
	f.Since, f.Until, f.Gap = p.Since, p.Until, leastGap
	if err := out.addGaps(ctx, db, f); err != nil {
		return nil, fmt.Errorf("report %s: gaps: %w", r.Name, err)
	}
	return out, nil
}

// add adds a day.
func (r *Report) add(d *query.Day, first bool) {
	var before *query.PastDay
	if len(d.Past) > 0 && d.Past[0].Compared {
		before = &d.Past[0]
	}
	past := func(n func(*query.PastDay) int64) *int64 {
		if before == nil {
			return nil
		}
		return new(n(before))
	}
	r.People.add(d.People, past(func(p *query.PastDay) int64 { return p.People }), first)
	r.In.add(d.In, past(func(p *query.PastDay) int64 { return p.In }), first)
	r.Out.add(d.Out, past(func(p *query.PastDay) int64 { return p.Out }), first)
	r.Watched.Seconds += d.Watched.Seconds
	r.Watched.Of += d.Watched.Of
	r.Most = higher(r.Most, d.InView)
	if d.Busiest != nil && (r.Busiest == nil || d.Busiest.Average > r.Busiest.Average) {
		r.Busiest = d.Busiest
	}
	r.Days = append(r.Days, Day{Day: d.Day, Watched: d.Watched, People: d.People.N, In: d.In.N, Out: d.Out.N})
	if r.Every == rule.EveryDay {
		for i, at := range d.Hours {
			r.Hours = append(r.Hours, Hour{At: at, People: d.People.ByHour[i], In: d.In.ByHour[i], Out: d.Out.ByHour[i], Most: d.InView.ByHour[i]})
		}
	}
	r.addParts(d, first)
}

// addParts adds the cameras, lines, zones and places of a day. One that was not there on the
// days before has no usual number.
func (r *Report) addParts(d *query.Day, first bool) {
	for _, c := range d.Cameras {
		to, fresh := entry(&r.Cameras, func(have *Camera) bool { return have.Camera == c.Camera })
		to.Camera = c.Camera
		to.Watched.Seconds += c.Watched.Seconds
		to.Watched.Of += c.Watched.Of
		to.People.add(c.People, nil, first && fresh)
		to.In += c.In
		to.Out += c.Out
		to.Most = higher(to.Most, c.InView)
	}
	for _, l := range d.Lines {
		to, fresh := entry(&r.Lines, func(have *Line) bool { return have.Camera == l.Camera && have.Line == l.Line })
		to.Camera, to.Line = l.Camera, l.Line
		to.In.add(l.In, nil, first && fresh)
		to.Out.add(l.Out, nil, first && fresh)
	}
	for _, z := range d.Zones {
		to, fresh := entry(&r.Zones, func(have *Zone) bool { return have.Camera == z.Camera && have.Zone == z.Zone })
		to.Camera, to.Zone = z.Camera, z.Zone
		to.Visits.add(z.Visits, nil, first && fresh)
		to.Median, to.P90 = to.Median.with(z.MedianS), to.P90.with(z.P90S)
		to.Most = higher(to.Most, z.InView)
	}
	for _, p := range d.Places {
		to, _ := entry(&r.Places, func(have *Place) bool { return have.Place == p.Place })
		to.Place, to.Inside, to.Capacity = p.Place, p.Inside, p.Capacity
		to.In += p.In
		to.Out += p.Out
		if p.Most != nil && (to.Most == nil || *p.Most > *to.Most) {
			to.Most = p.Most
		}
	}
}

// entry returns the element of a list that is meant, and whether it has been appended.
func entry[E any](list *[]E, is func(*E) bool) (e *E, fresh bool) {
	i := slices.IndexFunc(*list, func(e E) bool { return is(&e) })
	if i < 0 {
		*list = append(*list, *new(E))
		return &(*list)[len(*list)-1], true
	}
	return &(*list)[i], false
}

// add adds a day's number. What it is compared with is there if each day has it.
func (c *Count) add(d query.Count, before *int64, first bool) {
	c.N += d.N
	if first {
		c.Before, c.Usual = new(int64), new(float64)
	}
	if c.Before != nil && before != nil {
		*c.Before += *before
	} else {
		c.Before = nil
	}
	if c.Usual != nil && d.Usual != nil {
		*c.Usual += d.Usual.Mean
	} else {
		c.Usual = nil
	}
}

// with returns the range with a value, if there is one.
func (r *Range) with(v *float64) *Range {
	switch {
	case v == nil:
		return r
	case r == nil:
		return &Range{*v, *v}
	}
	return &Range{min(r.Low, *v), max(r.High, *v)}
}

func higher(p *Peak, v query.InView) *Peak {
	if v.Most == nil || p != nil && p.N >= *v.Most {
		return p
	}
	return &Peak{N: *v.Most, At: v.MostAt}
}

// addGaps asks for the gaps.
func (r *Report) addGaps(ctx context.Context, db *pgxpool.Pool, f query.Filter) error {
	i := slices.IndexFunc(query.Reports, func(r query.Report) bool { return r.Name == "gaps" })
	var b bytes.Buffer
	if err := query.Reports[i].Question(f).Answer(ctx, db, &b, "json"); err != nil {
		return err
	}
	return json.Unmarshal(b.Bytes(), &r.Gaps)
}

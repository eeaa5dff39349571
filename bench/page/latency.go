package page

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

// spans returns the names of the histograms that these reports have, in the order of the data.
func spans(all []entry) (names []string) {
	for _, s := range result.Spans {
		if slices.ContainsFunc(all, func(e entry) bool { return e.histogram(s.Name) != nil }) {
			names = append(names, s.Name)
		}
	}
	others := make(map[string]bool)
	for _, e := range all {
		for name := range e.Total.Histograms {
			if e.histogram(name) != nil && !slices.Contains(names, name) {
				others[name] = true
			}
		}
	}
	return append(names, slices.Sorted(maps.Keys(others))...)
}

// curve is one distribution of a plot.
type curve struct {
	name, class string
	h           *result.Histogram
}

// latency is the distributions of what is measured from end to end, or of all that a kind without
// stages has.
func latency(all []entry) *section {
	s := &section{Title: "Latency", Text: "Percentiles of all rounds together, in milliseconds. " +
		"On the axis of the percentile curves each further nine is as far as the one before: the right end is what the unluckiest frames waited."}
	t := table{Head: []string{"", "p50", "p90", "p99", "p99.9", "longest", "number"}}
	var main []string
	for _, name := range spans(all) {
		for _, e := range all {
			if h := e.histogram(name); h != nil {
				cells := []string{name}
				if len(all) > 1 {
					cells[0] += ", " + e.label
				}
				for _, q := range []float64{.5, .9, .99, .999} {
					cells = append(cells, diff.Number(h.Quantile(q)))
				}
				t.Rows = append(t.Rows, tableRow{e.class, append(cells, diff.Number(h.Max()), count(h.N()))})
			}
		}
		if !slices.Contains(stageNames, name) && !slices.Contains(aside, name) {
			main = append(main, name)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if len(all) == 1 {
		var curves []curve
		for i, name := range main[:min(len(main), series)] {
			curves = append(curves, curve{name, color(i), all[0].histogram(name)})
		}
		s.plot("", curves)
		t.Rows = slices.Clone(t.Rows)
		for i := range t.Rows { // a color belongs to a curve, where there is one report
			t.Rows[i].Class = ""
			if k := slices.Index(main, t.Rows[i].Cells[0]); k >= 0 && k < series {
				t.Rows[i].Class = color(k)
			}
		}
	} else {
		for _, name := range main {
			var curves []curve
			for _, e := range all {
				if h := e.histogram(name); h != nil {
					curves = append(curves, curve{e.label, e.class, h})
				}
			}
			s.plot(": "+name, curves)
		}
	}
	s.Tables = append(s.Tables, t)
	return s
}

// plot adds the percentile curves and the cumulative distribution.
func (s *section) plot(what string, curves []curve) {
	if len(curves) == 0 {
		return
	}
	low, high, n, p50 := curves[0].h.Max(), 0.0, int64(0), 0.0
	for _, c := range curves {
		low, high, n = min(low, c.h.Min()), max(high, c.h.Max()), max(n, c.h.N())
		p50 = max(p50, c.h.Quantile(.5))
	}
	y := linear(high)
	if high > 20*p50 {
		y = logarithmic(max(low, .001), high)
	}
	percentiles := newPlot("Percentiles"+what, "share of the frames or records", "ms", nines(n), y)
	distribution := newPlot("Cumulative distribution"+what, "ms", "share", logarithmic(max(low*.9, .001), high*1.1), linear(1))
	for _, c := range curves {
		var rising, stepped []point
		seen := 0.0
		for _, b := range c.h.Bars() {
			rising = append(rising, point{seen / float64(c.h.N()), b.To})
			stepped = append(stepped, point{b.To, seen / float64(c.h.N())})
			seen += float64(b.N)
			rising = append(rising, point{min(seen/float64(c.h.N()), 1-1/float64(c.h.N()+1)), b.To})
			stepped = append(stepped, point{b.To, seen / float64(c.h.N())})
		}
		percentiles.line(c.class, rising)
		distribution.line(c.class, stepped)
		l := legend{c.class, fmt.Sprintf("%s (p50 %s, p99 %s)", c.name, diff.Number(c.h.Quantile(.5)), diff.Number(c.h.Quantile(.99)))}
		percentiles.Legend = append(percentiles.Legend, l)
		distribution.Legend = append(distribution.Legend, l)
	}
	s.Plots = append(s.Plots, percentiles, distribution)
}

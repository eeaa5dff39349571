package page

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

// cost is the values of the rounds: throughput, CPU, memory, disk; beside the physical limits.
func cost(all []entry) *section {
	if len(all) == 0 {
		return nil
	}
	s := &section{Title: "Throughput and cost", Text: "Of each value the median of the rounds, and the least and the greatest."}
	t := table{Head: []string{""}}
	units, names := make(map[string]string), []string{}
	for _, m := range result.Metrics {
		units[m.Name], names = m.Unit, append(names, m.Name)
	}
	others := make(map[string]bool)
	for _, e := range all {
		t.Head = append(t.Head, e.label)
		for name := range e.Total.Values {
			others[name] = !slices.Contains(names, name)
		}
	}
	maps.DeleteFunc(others, func(_ string, other bool) bool { return !other })
	for _, name := range append(names, slices.Sorted(maps.Keys(others))...) {
		cells, found := []string{name}, false
		for _, e := range all {
			cell := ""
			if v, ok := e.Total.Values[name]; ok {
				found, cell = true, spread(e, name, v, units[name])
			}
			cells = append(cells, cell)
		}
		if found {
			t.Rows = append(t.Rows, tableRow{Cells: cells})
		}
	}
	s.addTable(t)
	s.addPlot(cpu(all))
	s.addPlot(roundByRound(all))
	s.addTable(floor(all))
	for _, e := range all {
		s.addTable(processes(e, len(all) > 1))
	}
	if len(s.Tables)+len(s.Plots) == 0 {
		return nil
	}
	return s
}

// spread is a median and the range of the rounds.
func spread(e entry, name string, median float64, unit string) string {
	low, high := median, median
	for _, r := range e.Rounds {
		if v, ok := r.Values[name]; ok {
			low, high = min(low, v), max(high, v)
		}
	}
	write := func(v float64) string { return diff.Number(v) }
	switch unit {
	case "bytes":
		write, unit = size, ""
	case "share", "load", "switches":
		unit = ""
	}
	s := write(median)
	if unit != "" {
		s += " " + unit
	}
	if low < high {
		s += " (" + write(low) + " to " + write(high) + ")"
	}
	return s
}

// parts are the values of which the CPU time of a frame is made.
var parts = []struct{ value, name string }{
	{result.CPUDetect, "detector"}, {result.CPUServices, "broker and sinks"}, {result.CPUPostgres, "PostgreSQL"},
}

// cpu is the CPU time of a frame, by its parts.
func cpu(all []entry) *plot {
	most := 0.0
	for _, e := range all {
		sum := 0.0
		for _, part := range parts {
			sum += e.Total.Values[part.value]
		}
		most = max(most, sum)
	}
	if most == 0 {
		return nil
	}
	p := newRows("CPU time of a frame", "ms", linear(most), len(all))
	for i, e := range all {
		at := 0.0
		if len(all) > 1 {
			p.Texts = append(p.Texts, text{X: p.left - 6, Y: p.row(i) + 13, Class: "end", Body: clip(e.label, 10)})
		}
		for k, part := range parts {
			v := e.Total.Values[part.value]
			p.Rects = append(p.Rects, rect{
				X: p.px(at), Y: p.row(i), W: p.px(at+v) - p.px(at), H: 18, Class: color(k), Opacity: 1,
				Tip: fmt.Sprintf("%s: %s %s ms", e.label, part.name, diff.Number(v)),
			})
			at += v
		}
	}
	for k, part := range parts {
		l := part.name
		if len(all) == 1 {
			l += " " + diff.Number(all[0].Total.Values[part.value]) + " ms"
		}
		p.Legend = append(p.Legend, legend{color(k), l})
	}
	return p
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// mainValues are the figures whose rounds are drawn: the first that all reports have.
var mainValues = []string{result.P99, result.Rate, result.CPUFrame}

// roundByRound shows whether the rounds drift.
func roundByRound(all []entry) *plot {
	for _, name := range mainValues {
		most, rounds := 0.0, 0
		for _, e := range all {
			for _, r := range e.Rounds {
				most = max(most, r.Values[name])
			}
			rounds = max(rounds, len(e.Rounds))
		}
		if most == 0 || rounds < 2 {
			continue
		}
		var numbers []float64
		for i := range rounds {
			numbers = append(numbers, float64(i+1))
		}
		x := exactly(numbers)
		x.scale = func(v float64) float64 { return v }
		p := newPlot("Round by round: "+name, "round", name, x, linear(most))
		for _, e := range all {
			var points []point
			for i, r := range e.Rounds {
				if v, ok := r.Values[name]; ok {
					points = append(points, point{float64(i + 1), v})
					p.mark(e.class, points[len(points)-1], fmt.Sprintf("%s, round %d: %s", e.label, i+1, diff.Number(v)))
				}
			}
			p.line(e.class, points)
			p.Legend = append(p.Legend, legend{e.class, e.label})
		}
		return p
	}
	return nil
}

func floor(all []entry) table {
	t := table{Caption: "Physical limits, measured in the same run", Head: []string{"", "limit", "unit"}}
	for _, e := range all {
		for _, f := range e.Floor {
			name := f.Name
			if len(all) > 1 {
				name += ", " + e.label
			}
			t.Rows = append(t.Rows, tableRow{Cells: []string{name, diff.Number(f.Value), f.Unit}})
		}
	}
	return t
}

// processes is what each process took in the last round.
func processes(e entry, several bool) table {
	t := table{
		Caption: "Processes of the last round", Folded: true,
		Head: []string{"", "process", "CPU user", "CPU kernel", "resident", "PSS", "written", "switches, voluntary", "involuntary"},
	}
	if several {
		t.Caption += ": " + e.label
	}
	if len(e.Rounds) == 0 {
		return t
	}
	for _, p := range e.Rounds[len(e.Rounds)-1].Processes {
		t.Rows = append(t.Rows, tableRow{Cells: []string{
			p.Part, fmt.Sprintf("%s (%d)", p.Name, p.PID), fmt.Sprintf("%.2f s", p.User), fmt.Sprintf("%.2f s", p.System),
			size(float64(p.RSS)), size(float64(p.PSS)), size(float64(p.Written)), count(p.Voluntary), count(p.Involuntary),
		}})
	}
	return t
}

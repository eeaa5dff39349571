package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

// camerasSetting is the setting that says how many cameras a report had.
const camerasSetting = "cameras"

// tried is what one number of cameras gave.
type tried struct {
	cameras, p99, rate, cpu float64
	tip                     string
}

// cameras is throughput and latency against the number of cameras: from the search of each report that
// has one, or from reports that differ in their number.
func cameras(all []entry) *section {
	s := &section{Title: "Cameras", Text: "Latency and throughput against the number of cameras."}
	var measured []tried
	for _, e := range all {
		if n, err := strconv.ParseFloat(e.Settings[camerasSetting], 64); err == nil && e.Limit == nil {
			measured = append(measured, tried{n, e.Total.Values[result.P99], e.Total.Values[result.FPS], e.Total.Values[result.CPUShare], e.label})
		}
		if e.Limit == nil {
			continue
		}
		l := e.Limit
		var points []tried
		t := table{Caption: "Search: " + e.label, Head: []string{"cameras", "p99 ms", "CPU share", "dropped", "lag grew by, ms", "", "bound"}}
		for _, trial := range l.Trials {
			verdict := "kept"
			if !trial.OK {
				verdict = "not kept"
			}
			t.Rows = append(t.Rows, tableRow{Cells: []string{
				strconv.Itoa(trial.Cameras), diff.Number(trial.P99), fmt.Sprintf("%.2f", trial.CPU),
				count(trial.Dropped), diff.Number(trial.Lag), verdict, trial.Bound,
			}})
			rate := 0.0
			if trial.Report != nil {
				rate = trial.Report.Total.Values[result.FPS]
			}
			points = append(points, tried{float64(trial.Cameras), trial.P99, rate, trial.CPU, fmt.Sprintf("%d cameras, %s", trial.Cameras, verdict)})
		}
		s.Text += fmt.Sprintf(" %s: %d cameras keep a p99 of %s ms; the next one: %s (%s).", e.label, l.Cameras, diff.Number(l.P99), l.Bound, l.Why)
		s.against(e.class, points, l.P99)
		s.addTable(t)
	}
	slices.SortFunc(measured, func(a, b tried) int { return cmp.Compare(a.cameras, b.cameras) })
	if distinct(measured) > 1 {
		s.against(color(0), measured, 0)
	}
	if len(s.Plots)+len(s.Tables) == 0 {
		return nil
	}
	return s
}

func distinct(points []tried) int {
	n := make(map[float64]bool)
	for _, p := range points {
		n[p.cameras] = true
	}
	return len(n)
}

// against adds a plot for each figure that the points have.
func (s *section) against(class string, points []tried, limit float64) {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b tried) int { return cmp.Compare(a.cameras, b.cameras) })
	var numbers []float64
	for _, p := range points {
		numbers = append(numbers, p.cameras)
	}
	for _, f := range []struct {
		title, label string
		of           func(t tried) float64
		limit        float64
		knee, less   bool
	}{
		{"p99 against cameras", "ms", func(t tried) float64 { return t.p99 }, limit, true, true},
		{"Throughput against cameras", "frames/s", func(t tried) float64 { return t.rate }, 0, true, false},
		{"CPU against cameras", "share of the machine", func(t tried) float64 { return t.cpu }, 0, false, true},
	} {
		most := f.limit
		for _, p := range points {
			most = max(most, f.of(p))
		}
		if most == f.limit && (most == 0 || len(points) == 0) {
			continue
		}
		y := linear(most)
		if f.limit > 0 && most > 20*f.limit {
			y = logarithmic(.5, most)
		}
		p := newPlot(f.title, "cameras", f.label, exactly(slices.Compact(slices.Clone(numbers))), y)
		if f.limit > 0 {
			p.level(f.limit, "to keep: "+diff.Number(f.limit)+" ms")
		}
		var line []point
		for _, t := range points {
			if v := f.of(t); v > 0 {
				line = append(line, point{t.cameras, v})
				p.mark(class, line[len(line)-1], t.tip+": "+diff.Number(v))
			}
		}
		p.line(class, line)
		if i := result.Knee(values(line), f.less); i >= 0 && f.knee {
			p.knee(line[i])
		}
		s.Plots = append(s.Plots, p)
	}
}

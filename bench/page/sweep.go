package page

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

// Bounds of what is drawn of a sweep; its table has all points.
const (
	maxMaps  = 6
	maxCells = 400
)

// sweep is the points of one file.
type sweep struct {
	file   string
	points []*result.Report
}

// dimension is an axis of a sweep: its values, numbers in their order before words.
type dimension struct {
	name    string
	values  []string
	numbers []float64 // as many, or nil where not all are numbers
}

// sweepFigures are those that are drawn, where the points have them.
var sweepFigures = []string{
	result.P99, result.Rate, "records_per_second", result.FPS, result.CPUFrame, "cpu_broker_us_per_record", "cpu_sink_us_per_row", "time_over_copy",
}

// section draws the points of a sweep: a curve and a heat map of each figure, and a table of all.
func (s *sweep) section(several bool) section {
	v := section{Title: "Sweep", Text: fmt.Sprintf("%d points.", len(s.points))}
	if several {
		v.Title += ": " + s.file
	}
	dimensions, constant := s.dimensions()
	if len(constant) > 0 {
		v.Text += " The same in all: " + strings.Join(constant, ", ") + "."
	}
	v.Text += " A ring marks a knee: of latency or cost the last point before it is more than twice the least, of throughput the first with nine tenths of the most."
	var heats []*plot
	for _, name := range sweepFigures {
		if slices.ContainsFunc(s.points, func(r *result.Report) bool { return r.Total.Values[name] != 0 }) {
			v.Plots = append(v.Plots, s.curves(name, dimensions)...)
			heats = append(heats, s.heatMaps(name, dimensions)...)
		}
	}
	v.Plots = append(v.Plots, heats...)
	v.Tables = append(v.Tables, s.table(dimensions))
	return v
}

// dimensions returns the axes that have several values, those of numbers with most values first, and
// what all points share.
func (s *sweep) dimensions() (all []dimension, constant []string) {
	names := make(map[string]map[string]bool)
	for _, r := range s.points {
		for name, value := range r.Point {
			if names[name] == nil {
				names[name] = make(map[string]bool)
			}
			names[name][value] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d := dimension{name: name, values: slices.Sorted(maps.Keys(names[name]))}
		if len(d.values) == 1 {
			constant = append(constant, name+" "+d.values[0])
			continue
		}
		slices.SortFunc(d.values, func(a, b string) int {
			x, okX := number(a)
			y, okY := number(b)
			if okX && okY {
				return cmp.Compare(x, y)
			}
			return cmp.Compare(a, b)
		})
		for _, value := range d.values {
			if x, ok := number(value); ok {
				d.numbers = append(d.numbers, x)
			}
		}
		if len(d.numbers) < len(d.values) {
			d.numbers = nil
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b dimension) int {
		return cmp.Or(cmp.Compare(len(b.numbers), len(a.numbers)), cmp.Compare(len(b.values), len(a.values)))
	})
	return all, constant
}

// number is the value of a setting that begins with a number, such as 16, 5ms or 2s: times in
// milliseconds.
func number(s string) (float64, bool) {
	factor := 1.0
	for _, unit := range []struct {
		name   string
		factor float64
	}{{"ms", 1}, {"µs", .001}, {"us", .001}, {"s", 1000}, {"m", 60_000}} {
		if rest, found := strings.CutSuffix(s, unit.name); found {
			s, factor = rest, unit.factor
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v * factor, err == nil
}

// at returns the value of a figure at a point, and whether there is one.
func at(r *result.Report, figure string) (float64, bool) {
	v, ok := r.Total.Values[figure]
	return v, ok
}

// others names a point on all axes but these.
func others(r *result.Report, dimensions []dimension, but ...string) string {
	var words []string
	for _, d := range dimensions {
		if !slices.Contains(but, d.name) {
			words = append(words, d.name+" "+r.Point[d.name])
		}
	}
	return strings.Join(words, ", ")
}

// curves are the figure over the first axis, a line for each combination of the others; none if that is
// no axis of numbers.
func (s *sweep) curves(figure string, dimensions []dimension) []*plot {
	if len(dimensions) == 0 || len(dimensions[0].numbers) < 2 {
		return nil
	}
	d := dimensions[0]
	lines, tips := make(map[string][]point), make(map[string]map[float64]string)
	var order []string
	least, most := math.Inf(1), 0.0
	for _, r := range s.points {
		v, ok := at(r, figure)
		x, isNumber := number(r.Point[d.name])
		if !ok || !isNumber {
			continue
		}
		name := others(r, dimensions, d.name)
		if lines[name] == nil {
			order, tips[name] = append(order, name), make(map[float64]string)
		}
		lines[name] = append(lines[name], point{x, v})
		tips[name][x] = diff.Name(r) + ": " + diff.Number(v)
		least, most = min(least, v), max(most, v)
	}
	y := linear(most)
	if least > 0 && most > 20*least {
		y = logarithmic(least*.8, most*1.1)
	}
	p := newPlot(figure+" over "+d.name, d.name, figure, exactly(d.numbers), y)
	if len(order) > series {
		p.Note = fmt.Sprintf("%d of %d combinations of the other axes; the heat map or the table has all.", series, len(order))
	}
	for i, name := range order[:min(len(order), series)] {
		points := lines[name]
		slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
		p.line(color(i), points)
		for _, q := range points {
			p.mark(color(i), q, tips[name][q.x])
		}
		label := name
		if k := result.Knee(values(points), result.LessIsBetter(figure)); k >= 0 {
			p.knee(points[k])
			label = strings.TrimPrefix(label+", ", ", ") + "knee at " + short(points[k].x)
		}
		if label != "" {
			p.Legend = append(p.Legend, legend{color(i), label})
		}
	}
	return []*plot{p}
}

// heatMaps are the figure over the first two axes, a map for each combination of the others.
func (s *sweep) heatMaps(figure string, dimensions []dimension) (all []*plot) {
	if len(dimensions) < 2 || len(dimensions[0].values)*len(dimensions[1].values) > maxCells {
		return nil
	}
	x, y := dimensions[0], dimensions[1]
	groups := make(map[string][]*result.Report)
	var order []string
	low, high := 0.0, 0.0
	for _, r := range s.points {
		v, ok := at(r, figure)
		if !ok {
			continue
		}
		name := others(r, dimensions, x.name, y.name)
		if groups[name] == nil {
			order = append(order, name)
		}
		if len(order) == 1 && groups[name] == nil {
			low, high = v, v
		}
		groups[name], low, high = append(groups[name], r), min(low, v), max(high, v)
	}
	low = min(low, high/2) // values that are nearly the same look so
	for _, name := range order[:min(len(order), maxMaps)] {
		p := heatMap(strings.TrimSuffix(figure+": "+name, ": "), x, y, low, high, groups[name], figure)
		if len(order) > maxMaps {
			p.Note = fmt.Sprintf("%d of %d maps; the table has all.", maxMaps, len(order))
		}
		all = append(all, p)
	}
	return all
}

func heatMap(title string, x, y dimension, low, high float64, points []*result.Report, figure string) *plot {
	p := &plot{Title: title, W: 480, H: 56 + 34*len(y.values), left: 84, right: 8, top: 6}
	width := (float64(p.W) - p.left - p.right) / float64(len(x.values))
	for i, value := range x.values {
		at := p.left + width*(float64(i)+.5)
		p.Texts = append(p.Texts, text{X: at, Y: float64(p.H) - 30, Class: "middle", Body: clip(value, max(2, int(width/8)))})
	}
	for k, value := range y.values {
		p.Texts = append(p.Texts, text{X: p.left - 6, Y: p.top + 34*float64(k) + 21, Class: "end", Body: clip(value, 10)})
	}
	middle := p.left + (float64(p.W)-p.left-p.right)/2
	p.Texts = append(p.Texts, text{X: middle, Y: float64(p.H) - 8, Class: "middle quiet", Body: y.name + " down, " + x.name + " across"})
	for _, r := range points {
		v, _ := at(r, figure)
		i, k := slices.Index(x.values, r.Point[x.name]), slices.Index(y.values, r.Point[y.name])
		share := 0.0
		if high > low {
			share = (v - low) / (high - low)
		}
		class := "cold"
		if share > .62 {
			class = "hot"
		}
		left, top := p.left+width*float64(i), p.top+34*float64(k)
		p.Rects = append(p.Rects, rect{
			X: left + 1, Y: top + 1, W: width - 2, H: 32, Class: "heat", Opacity: .08 + .87*share, Tip: diff.Name(r) + ": " + diff.Number(v),
		})
		if width >= 34 {
			p.Texts = append(p.Texts, text{X: left + width/2, Y: top + 21, Class: "middle " + class, Body: cell(v, width)})
		}
	}
	return p
}

// cell is a figure that fits into a cell.
func cell(v, width float64) string {
	if s := diff.Number(v); float64(len(s))*7.5 <= width {
		return s
	}
	for _, unit := range []string{"", "k", "M", "G"} {
		if abs(v) < 1000 {
			return fmt.Sprintf("%.3g%s", v, unit)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.2g", v)
}

// table has all points with the figures that are drawn.
func (s *sweep) table(dimensions []dimension) table {
	t := table{Caption: "All points", Folded: len(s.points) > 12}
	var figures []string
	for _, name := range sweepFigures {
		if slices.ContainsFunc(s.points, func(r *result.Report) bool { _, ok := at(r, name); return ok }) {
			figures = append(figures, name)
		}
	}
	for _, d := range dimensions {
		t.Head = append(t.Head, d.name)
	}
	if len(dimensions) == 0 {
		t.Head = []string{"point"}
	}
	t.Head = append(t.Head, figures...)
	for _, r := range s.points {
		var cells []string
		for _, d := range dimensions {
			cells = append(cells, r.Point[d.name])
		}
		if len(dimensions) == 0 {
			cells = []string{diff.Name(r)}
		}
		for _, name := range figures {
			c := ""
			if v, ok := at(r, name); ok {
				c = diff.Number(v)
			}
			cells = append(cells, c)
		}
		t.Rows = append(t.Rows, tableRow{Cells: cells})
	}
	return t
}

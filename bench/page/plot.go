package page

import (
	"fmt"
	"strings"
)

// plot is a figure in units of its own, W×H, which the page scales.
type plot struct {
	Title, Note string
	W, H        int
	Grid        []segment
	Rects       []rect
	Paths       []path
	Marks       []mark
	Texts       []text
	Legend      []legend

	x, y                     *axis
	left, right, top, bottom float64
}

type segment struct{ X1, Y1, X2, Y2 float64 }

type rect struct {
	X, Y, W, H float64
	Class      string
	Opacity    float64
	Tip        string
}

type path struct{ D, Class string }

type mark struct {
	X, Y, R    float64
	Class, Tip string
}

type text struct {
	X, Y        float64
	Class, Body string
}

type legend struct{ Class, Body string }

// The classes of the series' colours, after which they repeat.
const series = 8

func color(i int) string { return fmt.Sprintf("s%d", i%series) }

// newPlot returns a plot with axes, their grid and labels.
func newPlot(title, xLabel, yLabel string, x, y *axis) *plot {
	p := &plot{Title: title, W: 480, H: 300, x: x, y: y, left: 58, right: 14, top: 26, bottom: 44}
	for _, t := range y.ticks {
		at := p.py(t.at)
		p.Grid = append(p.Grid, segment{p.left, at, float64(p.W) - p.right, at})
		p.Texts = append(p.Texts, text{X: p.left - 6, Y: at + 4, Class: "end", Body: t.label})
	}
	for _, t := range x.ticks {
		at := p.px(t.at)
		p.Grid = append(p.Grid, segment{at, p.top, at, float64(p.H) - p.bottom})
		p.Texts = append(p.Texts, text{X: at, Y: float64(p.H) - p.bottom + 17, Class: "middle", Body: t.label})
	}
	p.Texts = append(p.Texts,
		text{X: (p.left + float64(p.W) - p.right) / 2, Y: float64(p.H) - 6, Class: "middle quiet", Body: xLabel},
		text{X: p.left - 6, Y: 14, Class: "quiet", Body: yLabel})
	return p
}

// rowHeight is that of a row of newRows.
const rowHeight = 28

// newRows returns a plot with an x axis alone, and rows for bars.
func newRows(title, label string, x *axis, rows int) *plot {
	p := &plot{Title: title, W: 480, H: 52 + rowHeight*rows, x: x, left: 74, right: 20, top: 8, bottom: 44}
	for _, t := range x.ticks {
		at := p.px(t.at)
		p.Grid = append(p.Grid, segment{at, p.top, at, float64(p.H) - p.bottom})
		p.Texts = append(p.Texts, text{X: at, Y: float64(p.H) - p.bottom + 17, Class: "middle", Body: t.label})
	}
	p.Texts = append(p.Texts, text{X: (p.left + float64(p.W) - p.right) / 2, Y: float64(p.H) - 6, Class: "middle quiet", Body: label})
	return p
}

// row is the top of a row's bar, which is 18 high.
func (p *plot) row(i int) float64 { return p.top + rowHeight*float64(i) + 5 }

func (p *plot) px(v float64) float64 {
	return p.left + p.x.at(v)*(float64(p.W)-p.left-p.right)
}

func (p *plot) py(v float64) float64 {
	return float64(p.H) - p.bottom - p.y.at(v)*(float64(p.H)-p.top-p.bottom)
}

// point is a value in the units of the axes.
type point struct{ x, y float64 }

// line adds a line through the points; those that would fall on the pixel of the one before are left
// out.
func (p *plot) line(class string, points []point) {
	var d strings.Builder
	lastX, lastY := -10.0, -10.0
	for i, q := range points {
		x, y := p.px(q.x), p.py(q.y)
		if i > 0 && i < len(points)-1 && abs(x-lastX) < .7 && abs(y-lastY) < .7 {
			continue
		}
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", verb, x, y)
		lastX, lastY = x, y
	}
	p.Paths = append(p.Paths, path{d.String(), class})
}

// values are those of the points.
func values(points []point) (all []float64) {
	for _, q := range points {
		all = append(all, q.y)
	}
	return all
}

func (p *plot) mark(class string, q point, tip string) {
	p.Marks = append(p.Marks, mark{p.px(q.x), p.py(q.y), 4, class, tip})
}

// knee rings a point.
func (p *plot) knee(q point) {
	p.Marks = append(p.Marks, mark{p.px(q.x), p.py(q.y), 9, "knee", "knee"})
}

// level draws a line across the plot, with its name.
func (p *plot) level(v float64, name string) {
	p.line("level", []point{{p.x.low, v}, {p.x.high, v}})
	p.Texts = append(p.Texts, text{X: float64(p.W) - p.right, Y: p.py(v) - 5, Class: "end quiet", Body: name})
}

package sweep

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/bench/result"
)

// Curve is a figure over the values of one axis, the other axes' values being the same.
type Curve struct {
	X      string   // the key of the axis
	Others string   // the other axes' values, for people
	At     []string // values of the axis, in ascending order where they are numbers or durations
	Values []float64
	Knee   int // index of the knee; -1: there is none
}

// across is the axis that curves are drawn over: of those of numbers or durations the one
// with the most values, the last of several; or else the first axis.
func (g *Grid) across() (x Axis, ok bool) {
	for _, axis := range g.Axes {
		words := slices.ContainsFunc(axis.Values, func(v string) bool { _, ok := number(v); return !ok })
		if !words && len(axis.Values) >= len(x.Values) {
			x = axis
		}
	}
	if x.Key == "" && len(g.Axes) > 0 {
		x = g.Axes[0]
	}
	return x, x.Key != ""
}

// number reads a number or a duration.
func number(s string) (float64, bool) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f, true
	}
	d, err := time.ParseDuration(s)
	return d.Seconds(), err == nil
}

// Curves returns those of a value, one for each combination of the other axes. Points without
// a report are left out.
func (g *Grid) Curves(value string, points []Point, reports []*result.Report) (all []*Curve) {
	x, ok := g.across()
	if !ok {
		return nil
	}
	at := make(map[string]*Curve)
	for i, p := range points {
		if reports[i] == nil {
			continue
		}
		v, ok := reports[i].Total.Values[value]
		if !ok {
			continue
		}
		var others []string
		for _, axis := range g.Axes {
			if axis.Key != x.Key {
				others = append(others, axis.Key+"="+p.Values[axis.Key])
			}
		}
		name := strings.Join(others, " ")
		if at[name] == nil {
			at[name] = &Curve{X: x.Key, Others: name}
			all = append(all, at[name])
		}
		at[name].add(p.Values[x.Key], v)
	}
	for _, c := range all {
		c.Knee = result.Knee(c.Values, result.LessIsBetter(value))
	}
	return all
}

// add inserts a value in the order of the axis.
func (c *Curve) add(at string, v float64) {
	i := len(c.At)
	if n, ok := number(at); ok {
		i, _ = slices.BinarySearchFunc(c.At, n, func(s string, n float64) int { m, _ := number(s); return cmp.Compare(m, n) })
	}
	c.At, c.Values = slices.Insert(c.At, i, at), slices.Insert(c.Values, i, v)
}

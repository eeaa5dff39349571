package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
)

// Point is one combination of the axes' values.
type Point struct {
	Values map[string]string // by key, of the axes alone
	Args   []string          // of the command: bench, its name and its flags
}

// Points returns all combinations; the last axis varies fastest. more are further flags of
// each command.
func (g *Grid) Points(more ...string) []Point {
	all := []Point{{Values: map[string]string{}}}
	for _, axis := range g.Axes {
		var longer []Point
		for _, p := range all {
			for _, v := range axis.Values {
				values := maps.Clone(p.Values)
				values[axis.Key] = v
				longer = append(longer, Point{Values: values})
			}
		}
		all = longer
	}
	for i := range all {
		args := []string{"bench", g.Bench}
		for _, axis := range g.Axes {
			args = append(args, "--"+axis.Key+"="+all[i].Values[axis.Key])
		}
		for _, axis := range g.Fixed {
			args = append(args, "--"+axis.Key+"="+axis.Values[0])
		}
		all[i].Args = append(args, more...)
	}
	return all
}

// Label names a point for people.
func (g *Grid) Label(p Point) string {
	parts := make([]string, len(g.Axes))
	for i, axis := range g.Axes {
		parts[i] = axis.Key + "=" + p.Values[axis.Key]
	}
	if len(parts) == 0 {
		return g.Bench
	}
	return strings.Join(parts, " ")
}

// file is the name of the file with the point's report: readable, and different for whatever
// else the command is given.
func (g *Grid) file(p Point) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return ','
		case r == '=', r == '-', r == '.', r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			return r
		}
		return '_'
	}, g.Label(p))
	const longest = 100
	sum := sha256.Sum256([]byte(strings.Join(p.Args, "\x00")))
	return fmt.Sprintf("%s-%s.json", plain[:min(len(plain), longest)], hex.EncodeToString(sum[:4]))
}

package sweep

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/yamlfile"
)

// Grid is what a grid's file says.
type Grid struct {
	Name  string // of the file, without its extension
	About string
	Bench string // broker, sink or pipeline
	Axes  []Axis // keys with several values
	Fixed []Axis // keys with one
}

// Axis is a key with its values, in the file's order.
type Axis struct {
	Key    string
	Values []string
}

// maxPoints bounds a grid.
const maxPoints = 2000

// keys are those of a grid, with the benchmarks that have them, in the order in which axes
// vary: the last varies fastest. Each is a flag of the command.
var keys = []struct{ name, benches string }{
	{"model", "pipeline"},
	{"acks", "broker"},
	{"compression", "broker pipeline"},
	{"linger", "broker pipeline"},
	{"partitioner", "broker"},
	{"sinks", "sink pipeline"},
	{"partitions", "broker sink pipeline"},
	{"cameras", "sink pipeline"},
	{"rate", "broker sink"},
	{"size", "broker"},
	{"producers", "broker"},
	{"in-flight", "broker"},
	{"sightings", "sink"},
	{"people", "sink"},
	{"source", "pipeline"},
	{"fps", "pipeline"},
	{"flush", "broker pipeline"},
	{"duration", "broker sink pipeline"},
	{"warm-up", "broker pipeline"},
	{"rounds", "broker sink pipeline"},
}

// benches are the benchmarks that a grid may run.
var benches = []string{"broker", "sink", "pipeline"}

// Parse reads a grid. name is that of its file.
func Parse(text []byte, name string) (*Grid, error) {
	v, err := yamlfile.Parse(text)
	if err != nil {
		return nil, usage.Wrap(err, "write KEY: VALUE and KEY: [VALUE, VALUE]", "%s: %v", name, err)
	}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, usage.New("write KEY: VALUE and KEY: [VALUE, VALUE]", "%s: it has no keys", name)
	}
	g := &Grid{Name: strings.TrimSuffix(name, ".yaml")}
	if err := g.head(table, name); err != nil {
		return nil, err
	}
	if err := g.checkKeys(table, name); err != nil {
		return nil, err
	}
	for _, key := range keys {
		if _, there := table[key.name]; !there {
			continue
		}
		values, err := texts(table[key.name])
		if err != nil {
			return nil, usage.New("give a value, or a list of different ones", "%s: %s: %v", name, key.name, err)
		}
		axis := Axis{key.name, values}
		if len(values) > 1 {
			g.Axes = append(g.Axes, axis)
		} else {
			g.Fixed = append(g.Fixed, axis)
		}
	}
	n := 1
	for _, a := range g.Axes {
		if n *= len(a.Values); n > maxPoints {
			return nil, usage.New("give fewer values", "%s: it has more than %d points", name, maxPoints)
		}
	}
	return g, nil
}

// head reads what is no key of the benchmark.
func (g *Grid) head(table map[string]any, name string) error {
	g.About, _ = table["about"].(string)
	g.About = strings.Join(strings.Fields(g.About), " ")
	bench, ok := table["bench"].(string)
	if !ok || !slices.Contains(benches, bench) {
		return usage.New("write one of bench: "+strings.Join(benches, ", bench: "), "%s: bench is %v", name, table["bench"])
	}
	g.Bench = bench
	return nil
}

// checkKeys refuses a key that the benchmark has not.
func (g *Grid) checkKeys(table map[string]any, name string) error {
	known := []string{"about", "bench"}
	for _, k := range keys {
		if slices.Contains(strings.Fields(k.benches), g.Bench) {
			known = append(known, k.name)
		}
	}
	for key := range table {
		if slices.Contains(known, key) {
			continue
		}
		fix := "it has " + strings.Join(known[2:], ", ")
		if n := usage.Nearest(key, known); n != "" {
			fix = fmt.Sprintf("did you mean %q?", n)
		}
		return usage.New(fix, "%s: bench %s has no key %q", name, g.Bench, key)
	}
	return nil
}

// texts returns a value, or those of a list.
func texts(v any) (all []string, err error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		s, ok := e.(string)
		switch {
		case !ok || s == "":
			return nil, fmt.Errorf("%v is no value", e)
		case slices.Contains(all, s):
			return nil, fmt.Errorf("%s is there twice", s)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the list is empty")
	}
	return all, nil
}

// Ready returns the grids of a directory of files, by name.
func Ready(files embed.FS) (all []*Grid, err error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the ready grids: %w", err)
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read a ready grid: %w", err)
		}
		g, err := Parse(b, name)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

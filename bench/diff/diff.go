package diff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"

	"github.com/sightlog/sightlog/bench/result"
)

// Alpha is the probability below which a difference counts as proven. By chance alone one
// in 1/Alpha figures falls below it.
const Alpha = 0.05

// Value is a figure of one side.
type Value struct {
	Median     float64 `json:"median"`
	Low        float64 `json:"low"`        // its interval: the median of further rounds lies in it …
	High       float64 `json:"high"`       //
	Confidence float64 `json:"confidence"` // … with this probability
}

// Row compares one figure.
type Row struct {
	Figure string   `json:"figure"`
	Unit   string   `json:"unit"`
	Old    Value    `json:"old"`
	New    Value    `json:"new"`
	P      float64  `json:"p"`      // probability of such samples if nothing differed
	Proven bool     `json:"proven"` // P is below Alpha
	Change *float64 `json:"change"` // new ÷ old - 1; null where it is not proven, or old is 0
	Better bool     `json:"better"` // proven, of a figure that has a good direction
	Worse  bool     `json:"worse"`  // the same, in the other one
}

// Comparison is what two reports of one thing have.
type Comparison struct {
	Name        string   `json:"name"`        // kind, name and point
	Rounds      [2]int   `json:"rounds"`      // of old and new
	Settings    []string `json:"settings"`    // that differ
	Differences []string `json:"differences"` // that would have been refused
	Warnings    []string `json:"warnings"`    // of the machines at the time
	Rows        []Row    `json:"rows"`
}

// Compare compares two files, the old one and the new one. unlike permits reports of other
// kinds, machines or inputs. Errors are *usage.Error.
func Compare(a, b Side, unlike bool) (all []Comparison, err error) {
	matched, err := pairs(a, b, unlike)
	if err != nil {
		return nil, err
	}
	for _, p := range matched {
		c := Comparison{
			Name: Name(p.b), Rounds: [2]int{len(p.a.Rounds), len(p.b.Rounds)},
			Settings: Settings(p.a, p.b), Differences: Differences(p.a, p.b),
		}
		for _, s := range []struct {
			file string
			r    *result.Report
		}{{a.File, p.a}, {b.File, p.b}} {
			for _, w := range s.r.Machine.Warnings {
				c.Warnings = append(c.Warnings, s.file+": "+w)
			}
			if s.r.Cut != "" {
				c.Warnings = append(c.Warnings, s.file+": ended early: "+s.r.Cut)
			}
		}
		of, other := samples(p.a), samples(p.b)
		for _, f := range figures(p.a) {
			if x, y := of[f.name], other[f.name]; len(x) >= MinRounds && len(y) >= MinRounds {
				c.Rows = append(c.Rows, compare(f, x, y))
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// figure is a value that every round has.
type figure struct {
	name, unit string
	good       int // direction: -1 less, 1 more, 0 neither
}

// quantiles are those of each histogram that are compared.
var quantiles = []struct {
	name string
	q    float64
}{{" p50", .5}, {" p99", .99}}

// figures returns the figures of a report: latencies in the order of the data, then values. Load
// is no figure but a circumstance, and p50_ms and p99_ms are those of a histogram.
func figures(r *result.Report) (all []figure) {
	histograms, values := make(map[string]bool), make(map[string]bool)
	for _, round := range r.Rounds {
		for name := range round.Histograms {
			histograms[name] = true
		}
		for name := range round.Values {
			values[name] = true
		}
	}
	delete(histograms, result.WarmUp)
	delete(histograms, result.ProbeGap)
	delete(values, result.Load)
	var spans, metrics []string
	for _, s := range result.Spans {
		spans = append(spans, s.Name)
	}
	units := make(map[string]string)
	for _, m := range result.Metrics {
		metrics, units[m.Name] = append(metrics, m.Name), m.Unit
	}
	for _, h := range inOrder(histograms, spans) {
		for _, q := range quantiles {
			all = append(all, figure{h + q.name, "ms", -1})
		}
	}
	if len(histograms) > 0 {
		delete(values, result.P50)
		delete(values, result.P99)
	}
	for _, v := range inOrder(values, metrics) {
		all = append(all, figure{v, units[v], direction(v, units)})
	}
	return all
}

// direction is the good one of a value: that of result.Metrics, more of a rate, less of CPU time and of
// latencies, neither of others.
func direction(name string, units map[string]string) int {
	_, known := units[name]
	switch {
	case !result.LessIsBetter(name):
		return 1
	case known, strings.HasPrefix(name, "cpu_"), strings.HasSuffix(name, "_ms"):
		return -1
	}
	return 0
}

// inOrder returns the names of a set, those of the list first and in its order.
func inOrder(set map[string]bool, list []string) (all []string) {
	for _, name := range list {
		if set[name] {
			all = append(all, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !slices.Contains(list, name) {
			all = append(all, name)
		}
	}
	return all
}

// samples returns each figure's value in every round that has it.
func samples(r *result.Report) map[string][]float64 {
	all := make(map[string][]float64)
	for _, round := range r.Rounds {
		for name, h := range round.Histograms {
			if h.N() > 0 {
				for _, q := range quantiles {
					all[name+q.name] = append(all[name+q.name], h.Quantile(q.q))
				}
			}
		}
		for name, v := range round.Values {
			all[name] = append(all[name], v)
		}
	}
	return all
}

func compare(f figure, x, y []float64) Row {
	thresholds := &benchmath.Thresholds{CompareAlpha: Alpha}
	a, b := benchmath.NewSample(x, thresholds), benchmath.NewSample(y, thresholds)
	c := benchmath.AssumeNothing.Compare(a, b)
	row := Row{Figure: f.name, Unit: f.unit, Old: value(a), New: value(b), P: c.P, Proven: c.P < Alpha}
	if row.Proven {
		went := cmp.Compare(row.New.Median, row.Old.Median)
		row.Better, row.Worse = went*f.good > 0, went*f.good < 0
		if row.Old.Median != 0 {
			change := row.New.Median/row.Old.Median - 1
			row.Change = &change
		}
	}
	return row
}

// value returns the median with the interval of 95 %, or of few rounds the range from the least to
// the greatest, whose confidence is lower: 1-2^(1-n).
func value(s *benchmath.Sample) Value {
	confidence := .95
	if n := len(s.Values); n <= 5 {
		confidence = 1 - 2/float64(int(1)<<n) - 1e-9
	}
	sum := benchmath.AssumeNothing.Summary(s, confidence)
	return Value{result.Median(s.Values), sum.Lo, sum.Hi, sum.Confidence}
}

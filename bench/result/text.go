package result

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Line says in words what a value is: Text has one %s for it.
type Line struct{ Name, Text string }

// WriteValues writes a line for each value that the report has: its total and, in
// brackets, the least and the most of the rounds.
func (r *Report) WriteValues(w io.Writer, lines []Line) {
	for _, line := range lines {
		v, known := r.Total.Values[line.Name]
		if !known {
			continue
		}
		low, high := v, v
		for i, round := range r.Rounds {
			x := round.Values[line.Name]
			if i == 0 {
				low, high = x, x
			}
			low, high = min(low, x), max(high, x)
		}
		fmt.Fprintf(w, "  "+line.Text+"\n", fmt.Sprintf("%s (%s..%s)", short(v), short(low), short(high)))
	}
}

// WriteHistograms writes a table of percentiles of those of the names that the report has.
func (r *Report) WriteHistograms(w io.Writer, names ...string) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ms\tn\tp50\tp90\tp99\tp99.9\tmax\t")
	for _, name := range names {
		if h := r.Total.Histograms[name]; h != nil {
			fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n", name, h.N(),
				h.Quantile(.5), h.Quantile(.9), h.Quantile(.99), h.Quantile(.999), h.Max())
		}
	}
	return t.Flush()
}

// WriteWarnings writes what makes the figures doubtful.
func (r *Report) WriteWarnings(w io.Writer) {
	if len(r.Machine.Warnings) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(r.Machine.Warnings, "\n"))
	}
}

// short writes a number with three digits that matter, a large one whole.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// WriteCut says that the measurement ended early, if it did.
func (r *Report) WriteCut(w io.Writer) {
	if r.Cut != "" {
		fmt.Fprintf(w, "CUT SHORT: %s. The figures are of what was measured by then.\n\n", r.Cut)
	}
}

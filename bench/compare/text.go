package compare

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

// figures are those of the table, with what people divide them by.
var figures = []struct {
	name, text string
	value      func(result.Round) float64
}{
	{result.DueCommitted + " p50", "due→committed p50, ms", quantile(result.DueCommitted, .5)},
	{result.DueCommitted + " p99", "due→committed p99, ms", quantile(result.DueCommitted, .99)},
	{result.GrabbedCommitted + " p50", "grabbed→committed p50, ms", quantile(result.GrabbedCommitted, .5)},
	{result.GrabbedCommitted + " p99", "grabbed→committed p99, ms", quantile(result.GrabbedCommitted, .99)},
	{result.Infer + " p50", "of it the detector's answer p50, ms", quantile(result.Infer, .5)},
	{result.CPUFrame, "CPU a frame, ms", value(result.CPUFrame, 1)},
	{result.CPUDetect, "of it cameras and detector, ms", value(result.CPUDetect, 1)},
	{result.CPUServices, "of it broker and consumers, ms", value(result.CPUServices, 1)},
	{result.CPUPostgres, "of it PostgreSQL, ms", value(result.CPUPostgres, 1)},
	{result.PSS, "memory (shared pages once), MB", value(result.PSS, 1<<20)},
	{result.FPS, "frames/s", value(result.FPS, 1)},
}

func quantile(name string, q float64) func(result.Round) float64 {
	return func(r result.Round) float64 {
		if h := r.Histograms[name]; h != nil {
			return h.Quantile(q)
		}
		return 0
	}
}

func value(name string, unit float64) func(result.Round) float64 {
	return func(r result.Round) float64 { return r.Values[name] / unit }
}

// WriteText writes the reports of a comparison for people: medians of the rounds, least and most
// in brackets, and how many times ours each other is, ~ where the rounds do not prove a
// difference.
func WriteText(w io.Writer, all []*result.Report) error {
	ours := all[0]
	m := ours.Machine
	ours.WriteCut(w)
	fmt.Fprintf(w, "%s  %d CPUs  load %.2f before  PostgreSQL %s\n", m.CPU, m.CPUs, m.Load, m.PostgreSQL)
	fmt.Fprintf(w, "%s cameras, %d rounds of %.0f s, each side in turn\n", ours.Settings["cameras"], len(ours.Rounds), ours.Rounds[0].Seconds)
	for _, r := range all {
		c := r.Correct
		fmt.Fprintf(w, "%s: frames sent %d = rows %d, duplicates %d, missing %d, out of order %d\n  %s\n", nameOf(r), c.Sent, c.Stored,
			c.Duplicates, c.Missing, c.Disorder, r.Durability.Stated)
	}
	ratios, err := ratiosOf(all)
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\t")
	for i, r := range all {
		fmt.Fprintf(t, "%s\t", nameOf(r))
		if i > 0 {
			fmt.Fprint(t, "÷ ours\t")
		}
	}
	fmt.Fprintln(t)
	for _, f := range figures {
		fmt.Fprintf(t, "%s\t", f.text)
		for i, r := range all {
			fmt.Fprintf(t, "%s\t", spread(r, f.value))
			if i > 0 {
				fmt.Fprintf(t, "%s\t", ratios[i][f.name])
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(ours.Rounds) < diff.MinRounds {
		fmt.Fprintf(w, "\nno ratios: they need %d rounds\n", diff.MinRounds)
	} else {
		fmt.Fprintf(w, "\nmedians of the rounds, least and most in brackets; ratios with the range that the intervals of both medians allow;\n"+
			"~ is no proven difference (U-test, p < %g)\n", diff.Alpha)
	}
	for _, r := range all {
		for _, line := range r.Machine.Warnings {
			fmt.Fprintf(w, "note: %s: %s\n", nameOf(r), line)
		}
	}
	return nil
}

// spread is the median of the rounds with the least and the most.
func spread(r *result.Report, of func(result.Round) float64) string {
	var all []float64
	for _, round := range r.Rounds {
		all = append(all, of(round))
	}
	low, high := all[0], all[0]
	for _, v := range all {
		low, high = min(low, v), max(high, v)
	}
	return fmt.Sprintf("%s (%s–%s)", diff.Number(result.Median(all)), diff.Number(low), diff.Number(high))
}

// ratiosOf compares each side with ours; the result has a text by side and figure, none
// where there are too few rounds.
func ratiosOf(all []*result.Report) ([]map[string]string, error) {
	ratios := make([]map[string]string, len(all))
	if len(all[0].Rounds) < diff.MinRounds {
		return ratios, nil
	}
	for i, r := range all[1:] {
		compared, err := diff.Compare(diff.Side{File: Ours, Reports: all[:1]}, diff.Side{File: r.Name, Reports: []*result.Report{r}}, true)
		if err != nil {
			return nil, err
		}
		texts := make(map[string]string)
		for _, row := range compared[0].Rows {
			texts[row.Figure] = ratio(row)
		}
		ratios[i+1] = texts
	}
	return ratios, nil
}

// ratio is how many times ours (old) the other's (new) is.
func ratio(row diff.Row) string {
	o, n := row.Old, row.New
	if !row.Proven || o.Low <= 0 {
		return "~"
	}
	return fmt.Sprintf("×%.2f (%.2f–%.2f)", n.Median/o.Median, n.Low/o.High, n.High/o.Low)
}

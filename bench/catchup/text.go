package catchup

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/sightlog/sightlog/bench/result"
)

// WriteText writes a report for people.
func WriteText(w io.Writer, r *result.Report) error {
	s, c, v := r.Settings, r.Correct, r.Total.Values
	fmt.Fprintf(w, "sink: %s sightings of %s people, %s cameras, %s partitions, %s sinks; PostgreSQL %s\n",
		s["sightings"], s["people"], s["cameras"], s["partitions"], s["sinks"], r.Machine.PostgreSQL)
	fmt.Fprintf(w, "durability: %s\n", r.Durability.Stated)
	fmt.Fprintf(w, "correct: %d sightings sent, %d in the tables, %d missing, %d twice (all rounds of both)\n\n", c.Sent, c.Stored, c.Missing, c.Duplicates)
	fmt.Fprintf(w, "catch-up; rows are sightings and detections; medians of %d rounds, least and most in brackets\n", len(r.Rounds))
	for _, line := range []struct{ name, text string }{
		{result.Rate, "%s rows/s, from the first fetch to the last commit"},
		{FromStart, "%s rows/s, with the start of the process"},
		{Copy, "%s rows/s by COPY of the same rows into the same tables, over one connection"},
		{OverCopy, "%s × the time of COPY"},
		{SinkCPU, "%s µs CPU a row, the sink's process"},
		{ServerCPU, "%s µs CPU a row, PostgreSQL"},
		{CopyCPU, "%s µs CPU a row, PostgreSQL by COPY"},
		{Peak, "%s bytes at most resident, the sink's process"},
	} {
		if m, known := v[line.name]; known {
			low, high := m, m
			for _, round := range r.Rounds {
				low, high = min(low, round.Values[line.name]), max(high, round.Values[line.name])
			}
			fmt.Fprintf(w, "  "+line.text+"\n", fmt.Sprintf("%s (%s..%s)", short(m), short(low), short(high)))
		}
	}
	if len(r.Total.Histograms) > 0 {
		fmt.Fprintf(w, "\n%s sightings/s, for %s in each round\n", s["rate"], s["duration"])
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "ms\tn\tp50\tp90\tp99\tp99.9\tmax\t")
		for _, name := range []string{result.DueCommitted, Transaction} {
			h := r.Total.Histograms[name]
			fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n", name, h.N(), h.Quantile(.5), h.Quantile(.9), h.Quantile(.99), h.Quantile(.999), h.Max())
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(r.Machine.Warnings) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(r.Machine.Warnings, "\n"))
	}
	return nil
}

// short writes a number with three digits that matter.
func short(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

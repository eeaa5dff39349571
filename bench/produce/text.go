package produce

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
	loop := "open loop, " + s["rate"] + " records/s"
	if s["rate"] == "0" {
		loop = "closed loop, " + s["in-flight"] + " in flight"
	}
	fmt.Fprintf(w, "broker %s: %s producers, %s partitions, %s bytes, acks %s, linger %s, %s, compression %s; %s\n",
		r.Machine.Broker, s["producers"], s["partitions"], s["size"], s["acks"], s["linger"], s["partitioner"], s["compression"], loop)
	fmt.Fprintf(w, "durability: %s\n", r.Durability.Stated)
	fmt.Fprintf(w, "correct: %d records sent, %d in the topic, %d missing, %d twice, %d out of order\n\n",
		c.Sent, c.Stored, c.Missing, c.Duplicates, c.Disorder)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ms\tn\tp50\tp90\tp99\tp99.9\tmax\t")
	for _, name := range []string{Acknowledged, Late, Sync, Write} {
		if h := r.Total.Histograms[name]; h != nil {
			fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n", name, h.N(), h.Quantile(.5), h.Quantile(.9), h.Quantile(.99), h.Quantile(.999), h.Max())
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nmedians of %d rounds of %.1f s, least and most in brackets:\n", len(r.Rounds), r.Total.Seconds/float64(len(r.Rounds)))
	for _, line := range []struct{ name, text string }{
		{Records, "%s records/s"},
		{Megabytes, "%s MB/s"},
		{Bandwidth, "%s × as much the disk would take, at 1 MiB a sync"},
		{Batches, "%s batches a record"},
		{OverSync50, "%s × a bare write and fdatasync of a batch, at p50"},
		{OverSync99, "%s × the same, at p99"},
		{BrokerCPU, "%s µs CPU a record, broker"},
		{ClientCPU, "%s µs CPU a record, clients"},
	} {
		if m, known := v[line.name]; known {
			low, high := r.Rounds[0].Values[line.name], r.Rounds[0].Values[line.name]
			for _, round := range r.Rounds {
				low, high = min(low, round.Values[line.name]), max(high, round.Values[line.name])
			}
			fmt.Fprintf(w, "  "+line.text+"\n", fmt.Sprintf("%s (%s..%s)", short(m), short(low), short(high)))
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
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

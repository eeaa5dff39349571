package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/sightlog/sightlog/bench/result"
)

// WriteText writes a report of the pipeline for people.
func WriteText(w io.Writer, r *result.Report) error {
	m, t := r.Machine, r.Total
	fmt.Fprintf(w, "%s  %d CPUs  load %.2f before  %s\n", m.CPU, m.CPUs, m.Load, r.Name)
	fmt.Fprintf(w, "%s cameras  %s  %s  broker %s  PostgreSQL %s\n", r.Settings["cameras"], paceText(r.Settings), roundsText(r), m.Broker, m.PostgreSQL)
	fmt.Fprintln(w, r.Durability.Stated)
	for _, d := range r.Durability.Disks {
		fmt.Fprintf(w, "disk of the %s (%s): fdatasync p50 %.0f µs, p99 %.0f µs%s\n", d.Use, d.FileSystem, d.P50, d.P99, notDurable(d))
	}
	c := r.Correct
	fmt.Fprintf(w, "frames sent %d = rows %d, duplicates %d, missing %d, out of order %d\n\n", c.Sent, c.Stored, c.Duplicates, c.Missing, c.Disorder)
	r.WriteCut(w)
	if err := writeLatencies(w, t); err != nil {
		return err
	}
	writeCosts(w, r)
	writeLimit(w, r.Limit)
	for _, line := range m.Warnings {
		fmt.Fprintln(w, "note: "+line)
	}
	_, err := fmt.Fprintf(w, "start-up %.1f s and warm-up %.0f s a round are not in these figures\n", r.Startup, r.Warmup)
	return err
}

func notDurable(d result.Disk) string {
	if d.Durable {
		return ""
	}
	return "  NOT DURABLE"
}

func paceText(s map[string]string) string {
	switch {
	case s["pace"] == "fast":
		return "as fast as possible"
	case s["fps"] != "" && s["fps"] != "0":
		return s["fps"] + " frames/s each"
	}
	return "at recorded pace"
}

func roundsText(r *result.Report) string {
	text := fmt.Sprintf("%.0f s", r.Rounds[0].Seconds)
	if n := len(r.Rounds); n > 1 {
		text = fmt.Sprintf("%d rounds of %s", n, text)
	}
	return text
}

// writeLatencies writes the table of percentiles.
func writeLatencies(w io.Writer, t result.Round) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "ms\tn\tp50\tp90\tp99\tp99.9\tmax\t")
	for _, s := range result.Spans {
		h := t.Histograms[s.Name]
		if h == nil || h.N() == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", s.Name, h.N(), h.Quantile(.5), h.Quantile(.9), h.Quantile(.99), h.Quantile(.999), h.Max())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d frames measured, %.1f frames/s, %d dropped, %d grabbed late by more than an interval\n", t.Frames, t.Values[result.FPS], t.Dropped, t.Late)
	return err
}

// writeCosts writes what the frames cost, and the spread between the rounds.
func writeCosts(w io.Writer, r *result.Report) {
	v := r.Total.Values
	parts := []string{
		fmt.Sprintf("detector %.2f", v[result.CPUDetect]), fmt.Sprintf("broker and sinks %.2f", v[result.CPUServices]),
	}
	if pg, ok := v[result.CPUPostgres]; ok {
		parts = append(parts, fmt.Sprintf("PostgreSQL %.2f", pg))
	}
	fmt.Fprintf(w, "CPU %.2f ms a frame: %s; %.0f %% of the machine\n", v[result.CPUFrame], strings.Join(parts, ", "), 100*v[result.CPUShare])
	fmt.Fprintf(w, "memory %.0f MB (shared pages once), %.0f MB resident; %.1f context switches a frame\n", v[result.PSS]/(1<<20), v[result.RSS]/(1<<20), v[result.Switches])
	fmt.Fprintf(w, "charged as written %.1f KB a frame", v[result.Written]/1024)
	if log, ok := v[result.OnDiskLog]; ok {
		fmt.Fprintf(w, "; kept %.2f KB in the log, %.2f KB in the tables", log/1024, v[result.OnDiskDB]/1024)
	}
	fmt.Fprintln(w)
	if len(r.Rounds) < 2 {
		return
	}
	for _, name := range []string{result.P50, result.P99, result.CPUFrame} {
		least, most := r.Rounds[0].Values[name], r.Rounds[0].Values[name]
		for _, round := range r.Rounds {
			least, most = min(least, round.Values[name]), max(most, round.Values[name])
		}
		fmt.Fprintf(w, "%s of the rounds: %.2f to %.2f, median %.2f\n", name, least, most, v[name])
	}
}

// writeLimit writes the outcome of a search for the number of cameras.
func writeLimit(w io.Writer, l *result.Limit) {
	if l == nil {
		return
	}
	fmt.Fprintf(w, "\nthis machine bears %d cameras with p99 within %.0f ms (the figures above are of them)\n", l.Cameras, l.P99)
	if l.Bound != "" {
		fmt.Fprintf(w, "limit: %s; %s\n", l.Bound, l.Why)
	}
	for _, t := range l.Trials {
		says := "borne"
		if !t.OK {
			says = "too many: " + t.Bound
		}
		fmt.Fprintf(w, "  %3d cameras  p99 %8.1f ms  CPU %3.0f %%  drift %6.1f ms  %s\n", t.Cameras, t.P99, 100*t.CPU, t.Lag, says)
	}
}

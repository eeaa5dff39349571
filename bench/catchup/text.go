package catchup

import (
	"fmt"
	"io"

	"github.com/sightlog/sightlog/bench/result"
)

// WriteText writes a report for people.
func WriteText(w io.Writer, r *result.Report) error {
	s, c := r.Settings, r.Correct
	r.WriteCut(w)
	fmt.Fprintf(w, "sink: %s sightings of %s people, %s cameras, %s partitions, %s sinks; PostgreSQL %s\n",
		s["sightings"], s["people"], s["cameras"], s["partitions"], s["sinks"], r.Machine.PostgreSQL)
	fmt.Fprintf(w, "durability: %s\n", r.Durability.Stated)
	fmt.Fprintf(w, "correct: %d sightings sent, %d in the tables, %d missing, %d twice (all rounds of both)\n\n", c.Sent, c.Stored, c.Missing, c.Duplicates)
	fmt.Fprintf(w, "catch-up; rows are sightings and detections; medians of %d rounds, least and most in brackets\n", len(r.Rounds))
	r.WriteValues(w, []result.Line{
		{Name: result.Rate, Text: "%s rows/s, from the first fetch to the last commit"},
		{Name: FromStart, Text: "%s rows/s, with the start of the process"},
		{Name: Copy, Text: "%s rows/s by COPY of the same rows into the same tables, over one connection"},
		{Name: OverCopy, Text: "%s × the time of COPY"},
		{Name: SinkCPU, Text: "%s µs CPU a row, the sink's process"},
		{Name: ServerCPU, Text: "%s µs CPU a row, PostgreSQL"},
		{Name: CopyCPU, Text: "%s µs CPU a row, PostgreSQL by COPY"},
		{Name: Peak, Text: "%s bytes at most resident, the sink's process"},
	})
	if _, measured := r.Total.Values[ServerCPU]; !measured {
		fmt.Fprintln(w, "the CPU time of PostgreSQL, of --database-url, is not measured")
	}
	if len(r.Total.Histograms) > 0 {
		fmt.Fprintf(w, "\n%s sightings/s, for %s in each round\n", s["rate"], s["duration"])
		if err := r.WriteHistograms(w, result.DueCommitted, Transaction); err != nil {
			return err
		}
	}
	r.WriteWarnings(w)
	return nil
}

package produce

import (
	"fmt"
	"io"

	"github.com/sightlog/sightlog/bench/result"
)

// WriteText writes a report for people.
func WriteText(w io.Writer, r *result.Report) error {
	s, c := r.Settings, r.Correct
	r.WriteCut(w)
	loop := "open loop, " + s["rate"] + " records/s"
	if s["rate"] == "0" {
		loop = "closed loop, " + s["in-flight"] + " in flight"
	}
	fmt.Fprintf(w, "broker %s: %s producers, %s partitions, %s bytes, acks %s, linger %s, %s, compression %s; %s\n",
		r.Machine.Broker, s["producers"], s["partitions"], s["size"], s["acks"], s["linger"], s["partitioner"], s["compression"], loop)
	fmt.Fprintf(w, "durability: %s\n", r.Durability.Stated)
	fmt.Fprintf(w, "correct: %d records sent, %d in the topic, %d missing, %d twice, %d out of order\n\n",
		c.Sent, c.Stored, c.Missing, c.Duplicates, c.Disorder)
	if err := r.WriteHistograms(w, Acknowledged, Late, Sync, Write); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nmedians of %d rounds of %.1f s, least and most in brackets:\n", len(r.Rounds), r.Total.Seconds/float64(len(r.Rounds)))
	r.WriteValues(w, []result.Line{
		{Name: Records, Text: "%s records/s"},
		{Name: Megabytes, Text: "%s MB/s"},
		{Name: Bandwidth, Text: "%s × as much the disk would take, at 1 MiB a sync"},
		{Name: Batches, Text: "%s batches a record"},
		{Name: OverSync50, Text: "%s × a bare write and fdatasync of a batch, at p50"},
		{Name: OverSync99, Text: "%s × the same, at p99"},
		{Name: BrokerCPU, Text: "%s µs CPU a record, broker"},
		{Name: ClientCPU, Text: "%s µs CPU a record, clients"},
	})
	r.WriteWarnings(w)
	return nil
}

package catchup

import (
	"time"

	"github.com/sightlog/sightlog/bench/result"
)

// Transaction is the histogram of a sink's transactions, from the records' arrival to the
// commit's acknowledgement.
const Transaction = "fetched→committed"

// Names of the values. A row is a sighting or a detection.
const (
	FromStart = "from_start_rows_per_second" // as rows_per_second, the sink's start included
	Copy      = "copy_rows_per_second"
	OverCopy  = "time_over_copy" // the sink's time over that of COPY
	SinkCPU   = "cpu_sink_us_per_row"
	ServerCPU = "cpu_postgres_us_per_row"
	CopyCPU   = "cpu_postgres_copy_us_per_row"
	Peak      = "sink_peak_bytes"
)

// figures returns a round.
func (r *run) figures(sink, bare half) result.Round {
	n := r.rows(r.Sightings)
	v := map[string]float64{
		result.Rate: n / sink.took.Seconds(),
		FromStart:   n / sink.started.Seconds(),
		Copy:        n / bare.took.Seconds(),
		OverCopy:    sink.took.Seconds() / bare.took.Seconds(),
		SinkCPU:     microseconds(sink.cpu) / n,
		Peak:        float64(sink.process.RSS),
	}
	if r.Server != nil {
		v[ServerCPU], v[CopyCPU] = microseconds(sink.server)/n, microseconds(bare.server)/n
	}
	return result.Round{
		Seconds: sink.took.Seconds(), Frames: int64(r.Sightings), Values: v,
		Histograms: map[string]*result.Histogram{}, Processes: []result.Process{sink.process},
	}
}

func microseconds(d time.Duration) float64 { return d.Seconds() * 1e6 }

// finish adds up the rounds and names the physical limit.
func (r *run) finish() {
	r.report.Sum()
	r.report.Floor = []result.Reference{{Name: "COPY of the same rows into the same tables", Value: r.report.Total.Values[Copy], Unit: "rows/s"}}
}

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sightlog/sightlog/query"
)

// Report is the outcome of a run. Times are in milliseconds.
type Report struct {
	Version string    `json:"version"` // of sightlog
	At      time.Time `json:"at"`
	Host    Host      `json:"host"`
	Source  []string  `json:"source"`
	Model   string    `json:"model"`
	Pace    string    `json:"pace"`

	Seconds    float64 `json:"seconds"` // first frame to last commit, start-up included
	Frames     int64   `json:"frames"`  // detected on
	FPS        float64 `json:"fps"`     // frames over the time from the first to the last grabbed
	Dropped    int64   `json:"dropped"` // frames that a live source dropped
	Detections int64   `json:"detections"`
	Sightings  int64   `json:"sightings"` // rows committed

	EndToEnd query.Stage   `json:"end_to_end"` // grabbed to commit acknowledged
	Stages   []query.Stage `json:"stages"`     // in the order of the data

	CPUSeconds float64 `json:"cpu_seconds"`     // of all processes, user and system
	CPUCores   float64 `json:"cpu_cores"`       // CPUSeconds over Seconds
	SelfRSS    int64   `json:"self_rss_bytes"`  // most memory of this process: broker, sinks, supervisor
	ChildRSS   int64   `json:"child_rss_bytes"` // most memory of the largest child: readers and detector
}

// Host is where the run was.
type Host struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPU  string `json:"cpu"`
	CPUs int    `json:"cpus"`
}

// WriteJSON writes the report as one indented object.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s  %d CPUs  %s  %s\n\n", r.Host.CPU, r.Host.CPUs, r.Model, r.Pace)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "stage\tn\tp50 ms\tp95 ms\tp99 ms\tmax ms\t")
	for _, s := range append(r.Stages, r.EndToEnd) {
		fmt.Fprintf(t, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t\n", s.Name, s.N, s.P50, s.P95, s.P99, s.Max)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
%d frames in %.1f s, %.1f frames/s, %d dropped
%d detections, %d sightings committed
CPU %.2f cores; memory %d MB (broker, sinks) and %d MB (largest child)
`, r.Frames, r.Seconds, r.FPS, r.Dropped, r.Detections, r.Sightings,
		r.CPUCores, r.SelfRSS>>20, r.ChildRSS>>20)
	return err
}

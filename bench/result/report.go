package result

import "time"

// Schema is the version of the JSON. It is raised when a field changes its meaning or
// goes away, not when one is added.
const Schema = 1

// Kind is what a report measured.
type Kind string

// The kinds.
const (
	Pipeline Kind = "pipeline" // cameras to rows
	Broker   Kind = "broker"   // the log alone
	Sink     Kind = "sink"     // log to rows
	Detector Kind = "detector" // picture to detections
	Point    Kind = "point"    // one point of a sweep, see Report.Point
	Baseline Kind = "baseline" // another program beside which sightlog is measured
)

// Report is the outcome of one benchmark. The JSON names of its fields, and of those
// below, are documented in docs/bench.md; a test compares both.
type Report struct {
	Schema     int               `json:"schema"`          // version of this JSON: 1
	Kind       Kind              `json:"kind"`            // what was measured: pipeline, broker, sink, detector, point or baseline
	Name       string            `json:"name,omitempty"`  // tells apart reports of one kind: the model, or the program of a baseline
	Point      map[string]string `json:"point,omitempty"` // of a sweep: the point's value on each axis
	Version    string            `json:"version"`         // of sightlog
	At         time.Time         `json:"at"`              // when it began, UTC
	Cut        string            `json:"cut,omitempty"`   // why the measurement ended early; its figures are of what was done by then
	Machine    Machine           `json:"machine"`         // where it was
	Inputs     []Input           `json:"inputs"`          // files that were read: clips, models
	Settings   map[string]string `json:"settings"`        // flags that were in force, by name
	Durability Durability        `json:"durability"`      // whether an acknowledged record survives a power cut
	Correct    Correctness       `json:"correctness"`     // whether everything arrived, once and in order

	Startup float64     `json:"startup_seconds"`    // from the start of the command to the first frame that was due
	Warmup  float64     `json:"warmup_seconds"`     // of each round, left out of all figures but the histogram "warm-up"
	Rounds  []Round     `json:"rounds"`             // one after the other, without the warm-up
	Total   Round       `json:"total"`              // all rounds together: histograms merged, values their medians, counts added
	Limit   *Limit      `json:"capacity,omitempty"` // how many cameras it bore, of --cameras max
	Floor   []Reference `json:"floor,omitempty"`    // physical limits measured in the same run, such as a bare fdatasync
}

// Round is one repetition.
type Round struct {
	Seconds    float64               `json:"seconds"`    // measured, without start-up and warm-up
	Frames     int64                 `json:"frames"`     // or records: what Values are "a frame" of
	Dropped    int64                 `json:"dropped"`    // frames that a live source dropped; they are in no histogram
	Late       int64                 `json:"late"`       // frames that were grabbed more than an interval after they were due
	Values     map[string]float64    `json:"values"`     // figures by name; Metrics has their units
	Histograms map[string]*Histogram `json:"histograms"` // latencies by name; Spans has their meaning
	Processes  []Process             `json:"processes"`  // what each process took
}

// Process is what one process took during a round.
type Process struct {
	Part        string  `json:"part"`                 // detect, services (broker and sinks), postgres, probe, or that of a baseline
	Name        string  `json:"name"`                 // of the process: its command, PostgreSQL's with its task
	PID         int     `json:"pid"`                  // of the process
	User        float64 `json:"user_seconds"`         // CPU time in user mode
	System      float64 `json:"sys_seconds"`          // CPU time in the kernel
	RSS         int64   `json:"rss_bytes"`            // most memory resident, of the samples
	PSS         int64   `json:"pss_bytes"`            // as RSS, shared pages divided among those who share them; 0 where the kernel does not say
	Written     int64   `json:"written_bytes"`        // bytes that the kernel charged to it as written, in whole folios
	Voluntary   int64   `json:"voluntary_switches"`   // context switches: it waited
	Involuntary int64   `json:"involuntary_switches"` // context switches: it was made to
}

// Correctness is the proof without which no figure is printed.
type Correctness struct {
	Sent       int64    `json:"sent"`               // frames (or records) that were sent
	Stored     int64    `json:"stored"`             // rows (or records) that are there
	Duplicates int64    `json:"duplicates"`         // of them twice
	Missing    int64    `json:"missing"`            // positions that are absent
	Disorder   int64    `json:"out_of_order"`       // positions that came before a smaller one
	Problems   []string `json:"problems,omitempty"` // what else is wrong, a line each
}

// OK reports whether everything arrived, once and in order.
func (c Correctness) OK() bool {
	return c.Sent > 0 && c.Sent == c.Stored && c.Duplicates == 0 && c.Missing == 0 && c.Disorder == 0 && len(c.Problems) == 0
}

// Durability is what the settings promise and what the disks do.
type Durability struct {
	Stated string `json:"stated"` // what the settings say of acknowledged records, in words
	Disks  []Disk `json:"disks"`  // those that hold the stores
}

// Disk is the disk of one of the stores, probed by writing and syncing small blocks.
type Disk struct {
	Use        string  `json:"use"`         // log, database
	Path       string  `json:"path"`        // a directory on it
	FileSystem string  `json:"file_system"` // its type
	N          int64   `json:"n"`           // syncs
	P50        float64 `json:"p50_us"`      // median of a write of 4 KB and fdatasync
	P99        float64 `json:"p99_us"`      // 99th percentile of the same
	Durable    bool    `json:"durable"`     // false: it answers faster than any disk can, so nothing is on a disk yet
}

// Limit is the outcome of a search for the number of cameras.
type Limit struct {
	P99     float64 `json:"p99_ms"`  // that due→committed must keep
	Cameras int     `json:"cameras"` // most that kept it, 0: not even one
	Bound   string  `json:"bound"`   // what the next one ran into: cpu, detector, disk, sink
	Why     string  `json:"why"`     // the same with its figures, in words
	Trials  []Trial `json:"trials"`  // in the order of the search
}

// Trial is one number of cameras that was tried.
type Trial struct {
	Cameras int     `json:"cameras"`          // that were tried
	P99     float64 `json:"p99_ms"`           // of due→committed
	CPU     float64 `json:"cpu_share"`        // of the machine's CPU time, 0 to 1, all processes
	Lag     float64 `json:"lag_growth"`       // how much later the last quarter's frames were than the first's, ms
	Dropped int64   `json:"dropped"`          // frames
	OK      bool    `json:"ok"`               // kept P99, dropped nothing, and did not fall behind
	Bound   string  `json:"bound"`            // where it was not OK: cpu, detector, disk, sink
	Report  *Report `json:"report,omitempty"` // of the trial
}

// Reference is a physical limit.
type Reference struct {
	Name  string  `json:"name"`  // such as "fdatasync p50", "copy"
	Value float64 `json:"value"` // in Unit
	Unit  string  `json:"unit"`  // such as µs, rows/s
}

package result

import "strings"

// Span is a latency with a name.
type Span struct {
	Name string
	Help string
}

// The histograms of the pipeline, in the order of the data.
const (
	DueVisible       = "due→visible"
	DueCommitted     = "due→committed"
	GrabbedCommitted = "grabbed→committed"
	Wait             = "wait"
	Decode           = "decode"
	Infer            = "infer"
	Produce          = "produce"
	Fetch            = "fetch"
	Commit           = "commit"
	WarmUp           = "warm-up"
	ProbeGap         = "probe gap"
)

// Spans are the histograms that a report of the pipeline has. Other kinds add their own.
var Spans = []Span{
	{DueVisible, "from the moment at which the frame was due to the moment at which another session saw its row; of the frames that the probe looked for"},
	{DueCommitted, "from due to the commit's acknowledgement, of every frame"},
	{GrabbedCommitted, "from the frame in our hands to the commit's acknowledgement, of every frame; it leaves out how late the frame was grabbed"},
	{Wait, "from due to grabbed: how late the frame was read"},
	{Decode, "from grabbed to decoded"},
	{Infer, "from decoded to the detector's answer, the wait for its turn included"},
	{Produce, "from there to the record handed to the log's client"},
	{Fetch, "from there to a sink that has the record: the log's fdatasync lies in it"},
	{Commit, "from there to the acknowledgement of the transaction"},
	{WarmUp, "due→committed of the frames of the warm-up"},
	{ProbeGap, "between the probe's last question without the row and its answer with it: due→visible is too long by at most this"},
}

// Metric is a value with a name.
type Metric struct {
	Name string
	Unit string
	Less bool // less is better
	Help string
}

// The values of the pipeline.
const (
	FPS         = "fps"
	Rate        = "rows_per_second"
	CPUFrame    = "cpu_ms_per_frame"
	CPUDetect   = "cpu_detect_ms_per_frame"
	CPUServices = "cpu_services_ms_per_frame"
	CPUPostgres = "cpu_postgres_ms_per_frame"
	CPUBeyond   = "cpu_beyond_detect_ms_per_frame"
	CPUShare    = "cpu_share"
	CPUBusy     = "cpu_busy_share"
	RSS         = "rss_bytes"
	PSS         = "pss_bytes"
	Written     = "written_bytes_per_frame"
	OnDiskLog   = "log_bytes_per_frame"
	OnDiskDB    = "database_bytes_per_frame"
	Switches    = "switches_per_frame"
	P50         = "p50_ms"
	P99         = "p99_ms"
	Drift       = "drift_ms"
	Load        = "load"
)

// Metrics are the names of Round.Values that have a fixed meaning. Other kinds add their
// own, whose names end in their unit.
var Metrics = []Metric{
	{FPS, "frames/s", false, "frames detected on, all cameras together"},
	{Rate, "rows/s", false, "rows committed"},
	{CPUFrame, "ms", true, "CPU time of all processes for a frame, without the probe"},
	{CPUDetect, "ms", true, "of it the detector's process: reading, decoding, detecting, tracking, producing"},
	{CPUServices, "ms", true, "of it the process of the broker and the sinks"},
	{CPUPostgres, "ms", true, "of it PostgreSQL, without the probe's session"},
	{CPUBeyond, "ms", true, "of it all but the detector's process"},
	{CPUShare, "share", true, "CPU time of all processes over that of the machine's CPUs"},
	{CPUBusy, "share", true, "CPU time of all processes of the machine over that of its CPUs, those included that are no part of the measurement"},
	{RSS, "bytes", true, "most memory resident, all processes; pages they share are counted for each"},
	{PSS, "bytes", true, "most memory, shared pages counted once; 0 where the kernel does not say"},
	{Written, "bytes", true, "bytes charged as written for a frame, in whole folios, all processes"},
	{OnDiskLog, "bytes", true, "growth of the log's directory for a frame"},
	{OnDiskDB, "bytes", true, "growth of the database for a frame, without its write-ahead log"},
	{Switches, "switches", true, "context switches for a frame, all processes"},
	{P50, "ms", true, "median of the kind's main latency: due→committed of the pipeline"},
	{P99, "ms", true, "99th percentile of the same"},
	{Drift, "ms", true, "median of the same in the last quarter of the time less that in the first: above 0, it falls behind"},
	{Load, "load", true, "average load of the machine when the round began"},
}

// LessIsBetter reports whether a value is the better the less it is. Of names that
// Metrics does not have, those that end in per_second are better the more, all others the less.
func LessIsBetter(name string) bool {
	for _, m := range Metrics {
		if m.Name == name {
			return m.Less
		}
	}
	return !strings.HasSuffix(name, "per_second")
}

package full

import "github.com/sightlog/sightlog/cli"

// BenchCmd measures the pipeline or a part of it.
type BenchCmd struct {
	Pipeline PipelineCmd `cmd:"" default:"withargs" help:"Play clips as cameras would through the whole pipeline, and report how long each stage takes, from due to visible, and what it costs; the default."`
	Broker   ProduceCmd  `cmd:"" help:"Put a load on a broker alone and compare it with bare writes to the same disk."`
	Sink     CatchUpCmd  `cmd:"" help:"Let the sink write a backlog into PostgreSQL and compare it with COPY of the same rows."`
	Detector SpeedCmd    `cmd:"" help:"Compare the detector, decode to sighting, with bare decoding and bare inference; with --for, watch its memory."`
	Compare  CompareCmd  `cmd:"" help:"Measure sightlog beside the pipeline that people would write in Python, with Apache Kafka, in turn."`
	Sweep    SweepCmd    `cmd:"" help:"Run a benchmark at each point of a grid; a sweep that was stopped is resumed."`
	cli.BenchFiles
}

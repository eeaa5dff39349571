package full

import (
	"context"
	"log/slog"
	"os"

	"github.com/sightlog/sightlog/bench"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// BenchCmd measures the pipeline or a part of it.
type BenchCmd struct {
	Pipeline PipelineCmd `cmd:"" default:"withargs" help:"Play a clip through the whole pipeline and report the latency, grabbed to committed; the default."`
	Broker   ProduceCmd  `cmd:"" help:"Put a load on a broker alone and compare it with bare writes to the same disk."`
	Detector SpeedCmd    `cmd:"" help:"Compare the detector, decode to sighting, with bare decoding and bare inference; with --for, watch its memory."`
	cli.BenchFiles
}

// PipelineCmd measures the whole pipeline.
type PipelineCmd struct {
	config.Detect
	config.Broker
	config.Kafka
	config.Database
	config.Sinks
	Data string `default:"" env:"-" placeholder:"DIR" help:"Keep the log and the database in this directory; without it they go away."`
	JSON string `name:"json" placeholder:"FILE" help:"Write the report as JSON, too; - is standard output."`
}

// Run implements the command.
func (c *PipelineCmd) Run(ctx context.Context, env *cli.Env) error {
	job := pipeline.Job{Detect: c.Detect, Cameras: env.Cameras}
	child, err := checkedChild(ctx, env, &job)
	if err != nil {
		return err
	}
	log := env.Logger(slog.LevelWarn)
	line := newProgressLine(env.Stderr)
	r, err := bench.Run(ctx, bench.Config{
		Version: cli.Version,
		Services: pipeline.ServicesConfig{
			Data: config.Data{Data: c.Data}, Broker: c.Broker, Kafka: c.Kafka,
			Database: c.Database, Sinks: c.Sinks, Cameras: env.Cameras, Log: log,
		},
		Detect: job.Detect, Cameras: env.Cameras, Child: child, Progress: line.show, Stderr: env.Stderr, Log: log,
	})
	line.end()
	if err != nil {
		return err
	}
	if c.JSON == "-" {
		return r.WriteJSON(env.Stdout)
	}
	if c.JSON != "" {
		f, err := os.Create(c.JSON)
		if err != nil {
			return usage.Wrap(err, "give a file you may write", "--json %s: %v", c.JSON, err)
		}
		defer f.Close()
		if err := r.WriteJSON(f); err != nil {
			return err
		}
	}
	return r.WriteText(env.Stdout)
}

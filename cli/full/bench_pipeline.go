package full

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/sightlog/sightlog/bench"
	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// PipelineCmd measures the whole pipeline.
type PipelineCmd struct {
	config.Detect
	config.Broker
	config.Kafka
	config.Database
	config.Sinks
	Cameras  string         `placeholder:"N|max" env:"-" help:"Cameras that play the sources, in turn; max: search for the most that keep --p99 (one for each source)."`
	FPS      float64        `name:"fps" env:"-" placeholder:"N" help:"Frames a second of each camera that plays a file (as recorded)."`
	Duration time.Duration  `env:"-" help:"Repeat the sources and measure for this long; without it each is played once."`
	WarmUp   *time.Duration `env:"-" placeholder:"DURATION" help:"Before that, left out of the figures (3s with --duration, else none)."`
	Rounds   int            `default:"1" env:"-" help:"Rounds, each with a log and a database of its own (${default})."`
	Flush    string         `enum:"always,interval,os" default:"always" env:"-" help:"When the bundled broker syncs: always, before it acknowledges; or later, which is not durable (${default})."`
	P99      time.Duration  `name:"p99" default:"200ms" env:"-" help:"With --cameras max: the 99th percentile, due to committed, to keep (${default})."`
	Data     string         `default:"" env:"-" placeholder:"DIR" help:"Keep the log and the database in this directory; without it they go away."`
	JSON     string         `name:"json" placeholder:"FILE" help:"Write the report as JSON, too; - is standard output."`
	pageFlag
}

// capacityDuration is how long each trial of --cameras max measures.
const capacityDuration = 15 * time.Second

// Run implements the command.
func (c *PipelineCmd) Run(ctx context.Context, env *cli.Env) error {
	if err := c.checkFlags(); err != nil {
		return err
	}
	cli.CoarseTimers() // as run has them
	all, err := sources(env, c.Source, c.SourceFile)
	if err != nil {
		return err
	}
	n := len(all)
	if c.Cameras != "" && c.Cameras != "max" {
		if n, err = strconv.Atoi(c.Cameras); err != nil || n < 1 {
			return usage.New("give a number, or max", "--cameras %s", c.Cameras)
		}
	}
	if c.Cameras == "max" && c.Duration == 0 {
		c.Duration = capacityDuration
	}
	specs, err := sourceSpecs(all)
	if err != nil {
		return err
	}
	out, err := c.pageFlag.open(c.JSON)
	if err != nil {
		return err
	}
	cfg, err := c.config(ctx, env, specs, n)
	if err != nil {
		return err
	}
	line := newBenchLine(env.Stderr)
	cfg.Progress = line.show
	var r *benchresult.Report
	if c.Cameras == "max" {
		r, err = bench.Capacity(ctx, cfg, c.P99, func(n int) []string { return camerasThatPlay(specs, n) })
	} else {
		r, err = bench.Run(ctx, cfg)
	}
	line.end()
	if err != nil {
		return err
	}
	return out.write(env, r, bench.WriteText)
}

func (c *PipelineCmd) checkFlags() error {
	switch {
	case c.FPS < 0 || c.FPS > 1000:
		return usage.New("give frames a second, up to 1000", "--fps %v", c.FPS)
	case c.Duration < 0:
		return usage.New("give a duration such as 30s", "--duration %s", c.Duration)
	case c.WarmUp != nil && *c.WarmUp < 0:
		return usage.New("give a duration such as 3s", "--warm-up %s", *c.WarmUp)
	case c.Rounds < 1:
		return usage.New("give 1 or more", "--rounds %d", c.Rounds)
	case c.Store.Store != "all":
		return usage.New("leave it out: each frame must have a row to be measured", "--store %s", c.Store.Store)
	case c.Pace == "fast" && (c.Duration > 0 || c.FPS > 0 || c.Cameras == "max"):
		return usage.New("leave --pace out", "--pace fast reads each source once, as fast as it can; --duration, --fps and --cameras max play it as cameras would")
	case c.P99 <= 0:
		return usage.New("give a duration such as 200ms", "--p99 %s", c.P99)
	}
	return nil
}

// config is what is measured, with n cameras.
func (c *PipelineCmd) config(ctx context.Context, env *cli.Env, specs []ingest.Spec, n int) (bench.Config, error) {
	log := env.Logger(slog.LevelWarn)
	d := c.Detect
	d.Source, d.SourceFile = camerasThatPlay(specs, n), ""
	job := pipeline.Job{Detect: d, Cameras: env.Cameras}
	child, err := checkedChild(ctx, env, &job)
	if err != nil {
		return bench.Config{}, err
	}
	d = job.Detect
	warmUp := time.Duration(0)
	if c.Duration > 0 {
		warmUp = 3 * time.Second
	}
	if c.WarmUp != nil {
		warmUp = *c.WarmUp
	}
	model, err := modelInput(d.Model, d.Unverified)
	if err != nil {
		return bench.Config{}, err
	}
	cfg := bench.Config{
		Version: cli.Version,
		Services: pipeline.ServicesConfig{
			Data: config.Data{Data: c.Data}, Broker: c.Broker, Kafka: c.Kafka,
			Database: c.Database, Sinks: c.Sinks, Cameras: env.Cameras, Log: log,
		},
		Detect: d, Cameras: env.Cameras, Child: child, Stderr: env.Stderr, Log: log,
		FPS: c.FPS, Duration: c.Duration, Warmup: warmUp, Rounds: c.Rounds, Flush: c.Flush, Model: model, Onnx: onnx.Version,
		Settings: c.settings(n, d.Model, warmUp),
	}
	for _, s := range specs {
		cfg.Clips = append(cfg.Clips, s.URI)
	}
	return cfg, nil
}

// settings are the flags in force.
func (c *PipelineCmd) settings(n int, model string, warmUp time.Duration) map[string]string {
	return map[string]string{
		"cameras": fmt.Sprint(n), "fps": fmt.Sprint(c.FPS), "pace": c.Pace, "model": model, "side": fmt.Sprint(c.Side), "threads": fmt.Sprint(c.Threads),
		"partitions": fmt.Sprint(c.Partitions), "sinks": fmt.Sprint(c.Sinks.Sinks), "batch-delay": c.BatchDelay.String(), "linger": c.Linger.String(),
		"compression": c.Compression, "flush": c.Flush, "duration": c.Duration.String(), "warm-up": warmUp.String(), "rounds": fmt.Sprint(c.Rounds),
	}
}

func modelInput(name string, unverified bool) (in benchresult.Input, err error) {
	m, err := models.Lookup(name, models.Options{Unverified: unverified})
	if err != nil {
		return in, err
	}
	if m.Path == "" {
		return bench.ModelInput(m.Name, m.Data), nil
	}
	b, err := os.ReadFile(m.Path)
	if err != nil {
		return in, usage.Wrap(err, "check its permissions", "model %s: cannot be read", m.Path)
	}
	return bench.ModelInput(m.Name, b), nil
}

func sourceSpecs(all []string) ([]ingest.Spec, error) {
	if len(all) == 0 {
		return nil, usage.New("add --source FILE", "no --source is given")
	}
	specs := make([]ingest.Spec, len(all))
	for i, arg := range all {
		var err error
		if specs[i], err = ingest.ParseSpec(arg, i); err != nil {
			return nil, err
		}
		if specs[i].URI == ingest.Stdin {
			return nil, usage.New("give a file", "--source -: standard input cannot be measured, it is not played")
		}
	}
	return specs, nil
}

// camerasThatPlay are the sources of n cameras: those that are given, in turn. A camera
// that plays what another does has its name with a number.
func camerasThatPlay(specs []ingest.Spec, n int) []string {
	all := make([]string, n)
	for i := range all {
		s := specs[i%len(specs)]
		if pass := i / len(specs); pass > 0 {
			s.ID += "-" + strconv.Itoa(pass+1)
		}
		all[i] = s.ID + "=" + s.URI
	}
	return all
}

package full

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/pipeline/detect"
	"github.com/sightlog/sightlog/usage"
)

// RunCmd runs the whole pipeline.
type RunCmd struct {
	config.Detect
	config.Data
	config.Broker
	config.Kafka
	config.Database
	config.Sinks
	config.Wait
	config.Web
	config.Traces
	cli.Metrics
	Spool string `hidden:"" placeholder:"DIR" help:"Refused: a spool is of detect."`
}

// Run implements the command.
func (c *RunCmd) Run(ctx context.Context, env *cli.Env) error {
	cli.CoarseTimers()
	if err := c.refuseSpool(); err != nil {
		return err
	}
	return c.WithMetrics(func(metrics prometheus.Registerer, watch cli.Watch) error {
		return c.run(ctx, env, metrics, watch)
	})
}

func (c *RunCmd) run(ctx context.Context, env *cli.Env, metrics prometheus.Registerer, watch cli.Watch) error {
	log := env.Logger(slog.LevelWarn)
	all, err := sources(env, c.Source, c.SourceFile)
	if err != nil {
		return err
	}
	tracer, err := cli.OpenTracer(c.Traces, log)
	if err != nil {
		return err
	}
	defer tracer.Close()
	job := pipeline.Job{Detect: c.Detect, Traces: c.Traces, Version: cli.Version, Wait: c.Wait.Wait, Cameras: env.Cameras}
	job.Detect.Source, job.Stdin = childSources(all)
	alarms := env.Alarms
	alarms.Cameras = cameraNames(all)
	child, err := checkedChild(ctx, env, &job) // before anything is started for it
	if err != nil {
		return err
	}
	site, err := cli.OpenSite(c.Web, c.Data, env, log)
	if err != nil {
		return err
	}
	for _, doubt := range doubts(alarms.Rules, alarms.Cameras, env.Cameras, c.Detect) {
		log.Warn("a rule of alarms does not fit the sources of this run", "doubt", doubt)
	}
	line := newProgressLine(env.Stderr)
	line.wait = c.Wait.Wait
	last, err := pipeline.Run(ctx, pipeline.RunConfig{
		Services: pipeline.ServicesConfig{
			Data: c.Data, Broker: c.Broker, Kafka: c.Kafka, Database: c.Database,
			Sinks: c.Sinks, Cameras: env.Cameras, Places: env.Places, Alarms: alarms,
			Wait: c.Wait.Wait, Log: log, Metrics: metrics, Tracer: tracer,
		},
		Job:    job,
		Detect: child,
		Watch:  watch,
		Serve: func(r pipeline.Present) (stop func() error, err error) {
			site.Services, site.Problems, site.Cameras = r.Services, r.Problems, r.Status
			site.Present, site.Tracked = &r, c.Track != "off"
			site.Privacy = c.Detect.Privacy
			line.page, stop, err = site.Serve(ctx)
			return stop, err
		},
		Live:     site.Live,
		Progress: line.show,
		Stderr:   env.Stderr,
		Log:      log,
	})
	line.end()
	if last.Frames > 0 || err == nil {
		summarise(env, last)
	}
	return err
}

// refuseSpool refuses a spool, also that of a file which detect reads, too: whoever names one
// counts on it.
func (c *RunCmd) refuseSpool() error {
	switch {
	case c.Spool == "":
		return nil
	case len(c.Brokers) > 0:
		return usage.New("use sightlog detect --spool and, for the tables, sightlogd serve", "run --brokers has no --spool")
	default:
		return usage.New("leave it out; sightlogd mirror copies the log of run to other brokers", "run has no --spool, but the bundled log")
	}
}

// checkedChild is the command line of the detect child for a job that can run. The job
// gets the model that was chosen.
func checkedChild(ctx context.Context, env *cli.Env, job *pipeline.Job) (child []string, err error) {
	if err := detect.Check(*job); err != nil {
		return nil, err
	}
	if child, err = detectArgs(env); err != nil {
		return nil, err
	}
	job.Detect.Model, err = pipeline.CheckModel(ctx, *job, child, env.Logger(slog.LevelWarn))
	return child, err
}

// detectArgs is the command line of the detect child: this program again.
func detectArgs(env *cli.Env) ([]string, error) {
	self, err := cli.Self()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	args := []string{self, "detect", "--supervised"}
	level := env.Common.LogLevel
	if level == "" {
		level = "warn"
	}
	return append(args, "--log-level", level, "--log-format", cmp.Or(env.Common.LogFormat, "text")), nil
}

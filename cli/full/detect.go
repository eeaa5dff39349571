package full

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/pipeline/detect"
	"github.com/sightlog/sightlog/usage"
)

// DetectCmd reads sources and writes to a log.
type DetectCmd struct {
	config.Detect
	config.Kafka
	config.Spool
	config.Wait
	config.ShowLive
	config.Traces
	cli.Metrics
	Supervised bool `hidden:"" env:"-" help:"Take the job from standard input and report on descriptor 3."`
	CheckModel bool `hidden:"" env:"-" help:"Only check the job's model."`
}

// Run implements the command.
func (c *DetectCmd) Run(ctx context.Context, env *cli.Env) error {
	cli.CoarseTimers()
	if c.Supervised {
		return c.supervised(ctx, env)
	}
	if len(c.Brokers) == 0 {
		return usage.New("add --brokers HOST:PORT, or use sightlog run", "detect needs the brokers to write to")
	}
	all, err := sources(env, c.Source, c.SourceFile)
	if err != nil {
		return err
	}
	return c.WithMetrics(func(metrics prometheus.Registerer, watch cli.Watch) error {
		return c.detect(ctx, env, all, metrics, watch)
	})
}

func (c *DetectCmd) detect(ctx context.Context, env *cli.Env, sources []string, metrics prometheus.Registerer, watch cli.Watch) error {
	spool, err := openSpool(ctx, c.Spool, c.Kafka, c.Wait.Wait, env, metrics)
	if err != nil {
		return err
	}
	return spool.run(ctx, func(ctx context.Context) error { return c.detectInto(ctx, env, sources, spool, metrics, watch) })
}

// detectInto reads the sources to their ends and writes to the spool, or to the brokers.
func (c *DetectCmd) detectInto(
	ctx context.Context, env *cli.Env, sources []string, spool *spool, metrics prometheus.Registerer, watch cli.Watch,
) error {
	line := newProgressLine(env.Stderr)
	start := time.Now()
	var last atomic.Pointer[pipeline.Status]
	last.Store(new(pipeline.Status))
	watch(func() []string { return append(last.Load().Problems(), spool.problems()...) }, func() []string { return last.Load().Pending() })
	if metrics != nil {
		unregister, err := pipeline.RegisterDetect(metrics, func() []pipeline.CameraStatus { return last.Load().Cameras })
		if err != nil {
			return err
		}
		defer unregister()
	}
	job := pipeline.Job{Detect: c.Detect, Traces: c.Traces, Version: cli.Version, Kafka: spool.kafka, Wait: c.Wait.Wait,
		Cameras: env.Cameras, Live: c.Live, LiveToken: c.LiveToken}
	job.Detect.Source = sources
	err := detect.Run(ctx, job, func(s pipeline.Status) {
		last.Store(&s)
		p := progressOf(s, time.Since(start))
		p.Problems = append(p.Problems, spool.problems()...)
		line.show(p)
	}, env.Logger(slog.LevelInfo))
	line.end()
	if p := progressOf(*last.Load(), time.Since(start)); err == nil || p.Frames > 0 {
		fmt.Fprintf(env.Stdout, "%d frames, %d detections in %.1f s\n", p.Frames, p.Objects, p.Elapsed.Seconds())
		sayHowToResume(env, p.Cameras, os.Args)
	}
	if pipeline.Done(err) {
		err = errors.Join(err, last.Load().EndJob(ctx, spool.kafka, env.Logger(slog.LevelWarn)))
	}
	return err
}

// progressOf is the progress that detect alone knows.
func progressOf(s pipeline.Status, elapsed time.Duration) pipeline.Progress {
	p := pipeline.Progress{Elapsed: elapsed, Cameras: s.Cameras, Problems: s.Problems()}
	for _, c := range s.Cameras {
		p.Frames += c.Frames
		p.Objects += c.Objects
		p.People += c.People
		p.Lag += max(0, c.Sent-c.Acked)
	}
	p.FPS = float64(p.Frames) / max(elapsed.Seconds(), 1e-3)
	return p
}

// hardStop is how long a child that has lost its supervisor may take to stop;
// a codec may hang for ever.
const hardStop = 2 * time.Second

// supervised runs as the child of a supervisor.
func (c *DetectCmd) supervised(ctx context.Context, env *cli.Env) error {
	jobs := pipeline.NewJobs(os.Stdin)
	job, err := jobs.Next()
	if err != nil {
		return err
	}
	changed := make(chan pipeline.Job)
	job.Changed = changed
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the supervisor, or with this process
		for next, err := jobs.Next(); err == nil; next, err = jobs.Next() {
			select {
			case changed <- next:
			case <-ctx.Done():
			}
		}
		cancel()
		time.Sleep(hardStop)
		os.Exit(1)
	}()

	out := os.NewFile(pipeline.ChildFD, "status")
	if out == nil {
		return fmt.Errorf("descriptor %d is not open", pipeline.ChildFD)
	}
	defer out.Close()
	report := json.NewEncoder(out)
	if c.CheckModel {
		var model string
		if model, err = detect.CheckModel(job, env.Logger(slog.LevelWarn)); err == nil {
			_ = report.Encode(pipeline.Status{Model: model})
		}
	} else {
		err = detect.Run(ctx, job, func(s pipeline.Status) { _ = report.Encode(s) }, env.Logger(slog.LevelWarn))
	}
	if err == nil {
		if ctx.Err() != nil {
			_ = report.Encode(pipeline.Status{Stopped: true})
		}
		return nil
	}
	// The supervisor prints the error: this process only hands it on.
	_ = report.Encode(pipeline.Status{Error: err.Error()})
	return silent{err}
}

// silent is an error that has been told already; its exit code remains.
type silent struct{ err error }

func (silent) Error() string { return "" }

func (s silent) ExitCode() int { return cli.ExitCode(s.err) }

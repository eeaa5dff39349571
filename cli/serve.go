package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// SinkCmd writes a log into a database.
type SinkCmd struct {
	config.Kafka
	config.Database
	config.Sinks
	config.Wait
	config.Traces
	Metrics
}

// Run implements the command.
func (c *SinkCmd) Run(ctx context.Context, env *Env) error {
	CoarseTimers()
	if len(c.Brokers) == 0 {
		return usage.New("add --brokers HOST:PORT", "sink needs the brokers to read from")
	}
	if c.DatabaseURL == "" {
		return needURL()
	}
	limitMemory(c.Sinks.Sinks)
	return c.serve(ctx, env, c.Traces, nil, pipeline.ServicesConfig{
		Kafka: c.Kafka, Database: c.Database, Sinks: c.Sinks,
		Cameras: env.Cameras, Places: env.Places, Alarms: env.alarmsOfConfig(), Wait: c.Wait.Wait,
	})
}

// limitMemory sets where the garbage collector begins to work harder, unless GOMEMLIMIT
// does: while a backlog is written the heap would otherwise grow to twice what is in use.
// It is no bound; what the sinks hold has bounds of its own (package sink).
func limitMemory(sinks int) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(46+16*sinks) << 20)
	}
}

func needURL() error {
	return usage.New("add --database-url postgres://user:password@host/database", "no database is named")
}

// ServeCmd runs the services downstream of the detector.
type ServeCmd struct {
	config.Data
	config.Broker
	config.Kafka
	config.Database
	config.Sinks
	config.Wait
	config.Web
	config.SeeLive
	config.Traces
	Metrics
}

// Run implements the command.
func (c *ServeCmd) Run(ctx context.Context, env *Env) error {
	CoarseTimers()
	site, err := OpenSite(c.Web, c.Data, env, env.Logger(slog.LevelInfo))
	if err != nil {
		return err
	}
	if site.Live != nil {
		defer site.Live.DialAll(ctx, c.Live, c.LiveToken)()
	}
	return c.serve(ctx, env, c.Traces, site, pipeline.ServicesConfig{
		Data: c.Data, Broker: c.Broker, Kafka: c.Kafka, Database: c.Database, Sinks: c.Sinks,
		Cameras: env.Cameras, Places: env.Places, Alarms: env.alarmsOfConfig(), Wait: c.Wait.Wait,
	})
}

// serve runs services until ctx ends, with metrics and health and, if it is not nil, a site.
func (m *Metrics) serve(ctx context.Context, env *Env, traces config.Traces, site *Site, cfg pipeline.ServicesConfig) (err error) {
	if cfg.Tracer, err = OpenTracer(traces, env.Logger(slog.LevelInfo)); err != nil {
		return err
	}
	defer cfg.Tracer.Close()
	return m.WithMetrics(func(metrics prometheus.Registerer, watch Watch) error {
		cfg.Log, cfg.Metrics = env.Logger(slog.LevelInfo), metrics
		return serve(ctx, env, site, cfg, watch)
	})
}

func serve(ctx context.Context, env *Env, site *Site, cfg pipeline.ServicesConfig, watch Watch) (err error) {
	s, err := pipeline.StartServices(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	watch(s.Problems, nil)
	e := s.Endpoints("")
	if site != nil {
		site.Services, site.Problems, site.Tracked = s, s.Problems, true
		url, closeSite, serveErr := site.Serve(ctx)
		switch {
		case serveErr != nil && ctx.Err() != nil:
			return s.Stopped() // it was stopped while the database was waited for
		case serveErr != nil:
			return serveErr
		}
		e.Web = url
		defer func() { err = errors.Join(err, closeSite()) }()
	}
	printEndpoints(env, e)
	if err := s.Failed(ctx); err != nil {
		return err
	}
	return s.Stopped() // a stop that leaves records behind is not a success
}

// URLCmd prints the endpoints of a running data directory.
type URLCmd struct {
	config.Data
}

// Run implements the command.
func (c *URLCmd) Run(env *Env) error {
	e, err := datadir.ReadEndpoints(c.Data.Data)
	if errors.Is(err, datadir.ErrNotRunning) {
		return usage.Wrap(err, "start it: sightlogd serve --data "+c.Data.Data, "--data %s: nothing runs on it", c.Data.Data)
	}
	if err != nil {
		return err
	}
	printEndpoints(env, e)
	return nil
}

func printEndpoints(env *Env, e datadir.Endpoints) {
	fmt.Fprintf(env.Stdout, "broker=%s\n", e.Broker)
	if e.Database != "" {
		fmt.Fprintf(env.Stdout, "database=%s\n", e.Database)
	}
	if e.Web != "" {
		fmt.Fprintf(env.Stdout, "web=%s\n", e.Web)
	}
	if e.Registry != "" {
		fmt.Fprintf(env.Stdout, "registry=%s\n", e.Registry)
	}
}

package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/sink"
)

// RunConfig is what the whole pipeline needs.
type RunConfig struct {
	Services ServicesConfig // OnCommit is set by Run
	Job      Job            // Stream is set by Run
	Detect   []string       // command line of the detect child, program first
	Progress func(Progress) // called by one goroutine, about twice a second and at the end

	// Health, if set, is called with a function that returns what keeps data
	// from where it belongs at present, a line each.
	Health func(problems func() []string)

	Stderr io.Writer // of the child
	Log    *slog.Logger
}

// Progress is how far a run is.
type Progress struct {
	Elapsed time.Duration
	Cameras []Camera
	Frames  int64 // looked at since the start
	Objects int64
	People  int // in the newest frames
	FPS     float64
	Rows    int64 // sightings committed since the start
	Lag     int64 // sightings and other records that the tables do not hold yet, -1 while that is not known
	InLog   int64 // of them, those that are in the log
	P50     time.Duration
	P99     time.Duration // end to end, of the newest sightings; 0 without any

	Problems []string // what keeps data from where it belongs, a line each
}

// Run starts what is missing, runs detect until every source is at its end and
// all of it is in the database, or until ctx ends, and stops in the order of
// the data. It returns the last progress.
func Run(ctx context.Context, cfg RunConfig) (last Progress, err error) {
	m := newMeter()
	cfg.Services.OnCommit = m.commit
	services, err := StartServices(ctx, cfg.Services)
	if err != nil {
		return Progress{}, err
	}
	done := false // every source has ended, and the tables hold all of it
	defer func() {
		err = errors.Join(err, services.stopTables())
		if done {
			err = errors.Join(err, m.status().EndJob(ctx, services.Stream, cfg.Log))
		}
		err = errors.Join(err, services.stopLog())
	}()

	if cfg.Health != nil {
		cfg.Health(func() []string { return append(services.Problems(), m.status().Problems()...) })
	}
	if cfg.Services.Metrics != nil {
		unregister, err := m.register(cfg.Services.Metrics)
		if err != nil {
			return Progress{}, err
		}
		defer unregister()
	}
	cfg.Job.Stream = services.Stream
	quit := Every(progressEvery, func() { m.report(ctx, services, cfg.Progress) })
	defer func() {
		quit()
		last = m.report(ctx, services, cfg.Progress)
	}()

	// A service that fails stops detect; detect's end stops the watching.
	runCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		failed <- services.Failed(runCtx)
		cancel()
	}()
	child := Child{Job: cfg.Job, Args: cfg.Detect, Report: m.child, Stderr: cfg.Stderr, Log: cfg.Log}
	err = child.Run(runCtx)
	if Done(err) {
		var undrained error
		done, undrained = drain(runCtx, services)
		err = errors.Join(err, undrained)
	}
	cancel()
	return last, errors.Join(err, <-failed)
}

const (
	progressEvery = 500 * time.Millisecond
	drainEvery    = 20 * time.Millisecond
	drainGrace    = 300 * time.Millisecond // after ctx ended; the log keeps the rest for the next start
)

// drain waits until the tables hold all that the log holds, and reports whether
// they do. Offsets alone do not prove it: a partition whose log is another one
// may have none left. Faults on the way are the sinks' to wait out, but for those that only
// a user can fix. When ctx has ended it does not wait for the others either, and
// says what is left because of them.
func drain(ctx context.Context, s *Services) (all bool, err error) {
	var grace <-chan time.Time
	done := ctx.Done()
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		if err := s.Stopped(); err != nil {
			return false, err
		}
		if lag, err := s.Lag(ctx); err == nil && lag == 0 {
			if checked, err := s.sameHistory(ctx); checked {
				return err == nil, err
			}
		}
		select {
		case <-tick.C:
		case <-grace:
			return false, s.blocked(sink.Stopped, sink.Waiting)
		case <-s.sinks.done:
			return false, nil // Failed says why
		case <-done:
			done, grace = nil, time.After(drainGrace)
		}
	}
}

// Every calls f each interval until the returned function is called.
func Every(interval time.Duration, f func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

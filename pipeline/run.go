package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/sink"
)

// RunConfig configures Run.
type RunConfig struct {
	Services ServicesConfig // OnCommit and Unacknowledged are set by Run
	Job      Job            // Kafka is set by Run
	Detect   []string       // command line of the detect child, program first
	Progress func(Progress) // called by one goroutine, about twice a second and at the end

	Started func(*Services) // may be nil; called when the services answer, before detect starts

	// Serve, if set, is called when the services answer, before detect starts; stop, before
	// they stop.
	Serve func(Present) (stop func() error, err error)

	// Watch, if set, is called when the services answer. problems returns the reasons for
	// which sightings do not reach the log or the tables at present, a line each; pending the
	// sources that have not opened yet.
	Watch func(problems, pending func() []string)

	Live   *live.Client // gets the pictures of detect; may be nil
	Stderr io.Writer    // of the child
	Log    *slog.Logger
}

// Present is a run while it lasts. Its functions may be called concurrently.
type Present struct {
	Services *Services
	Problems func() []string // why sightings do not reach the log or the tables, a line each
	Status   func() Status   // of detect

	// Settings returns the settings of the cameras that detect is to use, Change gives it
	// others, and returns their number: a camera's status has it when they are in use.
	Settings func() map[string]config.CameraSettings
	Change   func(map[string]config.CameraSettings) int64
}

// Run starts the services, runs detect until every source was read to its end and all
// sightings are in the database, or until ctx ends, and stops in the order of the data.
// It returns the last progress.
func Run(ctx context.Context, cfg RunConfig) (last Progress, err error) {
	m := newProgressTotals()
	cfg.Services.OnCommit = m.commit
	cfg.Services.Unacknowledged = func() int64 { return m.status().unacknowledged() }
	services, err := StartServices(ctx, cfg.Services)
	if err != nil {
		return Progress{}, err
	}
	done := false // every source has ended, and all of it is in the tables
	defer func() {
		err = errors.Join(err, services.stopTables())
		if done {
			err = errors.Join(err, m.status().EndJob(ctx, services.Kafka, cfg.Log))
		}
		err = errors.Join(err, services.stopLog())
	}()

	problems := func() []string { return append(services.Problems(), m.status().Problems()...) }
	if cfg.Watch != nil {
		cfg.Watch(problems, func() []string { return m.status().Pending() })
	}
	if cfg.Services.Metrics != nil {
		unregister, err := RegisterDetect(cfg.Services.Metrics, m.allCameras)
		if err != nil {
			return Progress{}, err
		}
		defer unregister()
	}
	if cfg.Started != nil {
		cfg.Started(services)
	}
	cfg.Job.Kafka = services.Kafka
	child := Child{Job: cfg.Job, Args: cfg.Detect, Report: m.child, Live: cfg.Live, Stderr: cfg.Stderr, Log: cfg.Log}
	if cfg.Serve != nil {
		stop, serveErr := cfg.Serve(Present{
			Services: services, Problems: problems, Status: m.status, Settings: child.Settings, Change: child.Change,
		})
		switch {
		case serveErr != nil && ctx.Err() != nil:
			return Progress{}, nil // it was stopped while the database was waited for
		case serveErr != nil:
			return Progress{}, serveErr
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	quit := Every(progressEvery, func() { m.report(ctx, services, cfg.Progress) })
	defer func() {
		quit()
		last = m.report(ctx, services, cfg.Progress)
	}()

	// A service that fails stops detect; detect's end ends the call of Failed.
	runCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		failed <- services.Failed(runCtx)
		cancel()
	}()
	err = child.Run(runCtx)
	if Done(err) {
		var drainErr error
		done, drainErr = drain(runCtx, services)
		err = errors.Join(err, drainErr)
	}
	cancel()
	return last, errors.Join(err, <-failed)
}

const (
	progressEvery = 500 * time.Millisecond
	drainEvery    = 20 * time.Millisecond
)

// drain waits until all records of the log are in the tables, and reports whether they
// are. Offsets alone do not prove it: a partition whose log was replaced may have none
// left (sameHistory). The sinks retry faults until they pass, except those that only a
// user can fix, which are returned. When ctx has ended it waits for drainGrace, or, where a
// fault has not passed by then, for waitingGrace: a database that was restarted is back, and
// the sinks may only be in a pause before they try again. Then it returns the faults that leave
// records behind.
func drain(ctx context.Context, s *Services) (all bool, err error) {
	var grace, limit <-chan time.Time
	over := false // drainGrace is
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
		if over && s.blocked(sink.Waiting) == nil {
			return false, nil
		}
		select {
		case <-tick.C:
		case <-grace:
			over = true
		case <-limit:
			return false, s.blocked(sink.Stopped, sink.Waiting)
		case <-s.sinks.done:
			return false, nil // Failed returns the error
		case <-done:
			done, grace, limit = nil, time.After(drainGrace), time.After(waitingGrace)
			s.sink.Hurry()
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

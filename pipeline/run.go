package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/sightlog/sightlog/sink"
)

// RunConfig is what the whole pipeline needs.
type RunConfig struct {
	Services ServicesConfig // OnCommit is set by Run
	Job      Job            // Stream is set by Run
	Detect   []string       // command line of the detect child, program first
	Progress func(Progress) // called by one goroutine, about twice a second and at the end
	Stderr   io.Writer      // of the child
	Log      *slog.Logger
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
	Lag     int64 // records that the tables do not hold yet
	P50     time.Duration
	P99     time.Duration // end to end, of the newest sightings; 0 without any
}

// Run starts what is missing, runs detect until every source is at its end and
// all of it is in the database, or until ctx ends, and stops in the order of
// the data. It returns the last progress.
func Run(ctx context.Context, cfg RunConfig) (last Progress, err error) {
	m := &meter{start: time.Now()}
	cfg.Services.OnCommit = m.commit
	services, err := StartServices(ctx, cfg.Services)
	if err != nil {
		return Progress{}, err
	}
	defer func() { err = errors.Join(err, services.Stop()) }()

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
	child := Child{Job: cfg.Job, Args: cfg.Detect, Report: m.status, Stderr: cfg.Stderr, Log: cfg.Log}
	err = child.Run(runCtx)
	if err == nil || isDamage(err) {
		err = errors.Join(err, drain(runCtx, services))
	}
	cancel()
	return last, errors.Join(err, <-failed)
}

func isDamage(err error) bool {
	var d *DamageError
	return errors.As(err, &d)
}

const (
	progressEvery = 500 * time.Millisecond
	drainEvery    = 20 * time.Millisecond
	drainGrace    = 300 * time.Millisecond // after ctx ended; the log keeps the rest for the next start
)

// drain waits until the tables hold all that the log holds. Faults on the way
// are the sinks' to wait out.
func drain(ctx context.Context, s *Services) error {
	var grace <-chan time.Time
	done := ctx.Done()
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		lag, err := s.Lag(ctx)
		if err == nil && lag == 0 {
			return nil
		}
		if err := s.stopped(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-grace:
			return nil
		case <-s.sinks.done:
			return nil // Failed says why
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

// meter adds up what detect and the sinks say.
type meter struct {
	start time.Time

	mu      sync.Mutex // guards the following
	before  []Camera   // totals of children that have ended
	now     Status
	rows    int64
	latency window
	frames  int64     // at the last report
	at      time.Time // of the last report
	fps     float64
}

// status takes the newest word of the child; a child that counts from 0 again
// is a new one.
func (m *meter) status(s Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if total(s.Cameras).Frames < total(m.now.Cameras).Frames {
		m.before = append(m.before, total(m.now.Cameras))
	}
	m.now = s
}

func (m *meter) commit(c sink.Commit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows += int64(c.Sightings)
	for _, d := range c.EndToEnd {
		m.latency.add(d)
	}
}

func total(cams []Camera) (t Camera) {
	for _, c := range cams {
		t.Frames += c.Frames
		t.Objects += c.Objects
		t.People += c.People
	}
	return t
}

// report returns the progress and hands it to f.
func (m *meter) report(ctx context.Context, s *Services, f func(Progress)) Progress {
	lag, _ := s.Lag(ctx) // a fault shows in the sinks' log
	m.mu.Lock()
	now, before := total(m.now.Cameras), total(m.before)
	p := Progress{
		Elapsed: time.Since(m.start), Cameras: m.now.Cameras,
		Frames: before.Frames + now.Frames, Objects: before.Objects + now.Objects, People: now.People,
		Rows: m.rows, Lag: lag, P50: m.latency.quantile(0.50), P99: m.latency.quantile(0.99),
	}
	if t := time.Now(); p.Frames != m.frames || t.Sub(m.at) > time.Second {
		if !m.at.IsZero() {
			m.fps = float64(p.Frames-m.frames) / t.Sub(m.at).Seconds()
		}
		m.frames, m.at = p.Frames, t
	}
	p.FPS = m.fps
	m.mu.Unlock()
	if f != nil {
		f(p)
	}
	return p
}

package detect

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/grace"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/snapshot"
	"github.com/sightlog/sightlog/tracing"
)

// flushGrace bounds the wait for the last acknowledgements at a stop.
const flushGrace = time.Second

// cameraLoop reads one source to its end, on one goroutine; status may be called
// from any.
type cameraLoop struct {
	spec      ingest.Spec
	opts      ingest.Options
	cfg       kafka.Config
	live      *kafka.Live
	pool      *pool
	detector  *cameraDetector
	scene     *sceneState
	preview   string           // path
	pictures  *snapshot.Worker // nil: no snapshots
	stretches int              // a day, of which pictures are kept
	viewers   *liveCamera      // nil: no live pictures
	skipEmpty bool
	playing   playing
	settings  cameraSettings                  // those in use
	next      atomic.Pointer[changedSettings] // those to use from the next frame on; nil: the same
	tracer    *tracing.Tracer
	log       *slog.Logger

	mu     sync.Mutex // guards the following
	state  pipeline.CameraStatus
	writer kafka.Writer
	source ingest.Source // that writer's frames come from
	before runCounts     // of the runs before the present one
}

func (c *cameraLoop) status() pipeline.CameraStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	s.Retry = c.opts.Backoff.Until()
	if c.writer != nil {
		s.Acked, s.Waiting = c.before.acked+c.writer.Acked(), c.writer.Waiting()
		stats := c.source.Stats()
		s.Jumps, s.Lost = c.before.jumps+stats.Jumps, c.before.lost+stats.Reopened
	}
	return s
}

func (c *cameraLoop) update(f func(*pipeline.CameraStatus)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.state)
}

// changedSettings are settings that a camera does not use yet.
type changedSettings struct {
	cameraSettings
	number int64 // pipeline.Job.Settings
}

// runCounts are the counts of a source's runs before the present one, in this process.
type runCounts struct{ acked, dropped, jumps, lost int64 }

// finish and closeWriter wait for the log for as long as it takes, but only
// flushGrace once ctx has ended.
func finish(ctx context.Context, w kafka.Writer, end event.Run, completes []event.Derived) error {
	ctx, cancel := grace.Context(ctx, flushGrace)
	defer cancel()
	return w.Finish(ctx, end, completes...)
}

func closeWriter(ctx context.Context, w kafka.Writer) error {
	ctx, cancel := grace.Context(ctx, flushGrace)
	defer cancel()
	return w.Close(ctx)
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/pipeline"
)

// round is one run of the pipeline.
//
//	start-up │ warm-up │ measured          │ the last frames
//	         └ start   └ from: meter.Begin └ to: meter.End
//
// Frames belong to the part in which they were due.
type round struct {
	cfg    Config
	number int
	clock  *estimate

	ctx  context.Context // of run
	data string          // directory of log and database
	cut  bool            // it was stopped

	mu       sync.Mutex // guards the following
	services *pipeline.Services
	watch    *watch // from the moment at which the first frame's due time is known
}

// outcome is what a round measured.
type outcome struct {
	result.Round
	start      time.Time // the first frame was due
	usage      host.Usage
	correct    result.Correctness
	durability result.Durability
	postgres   string
	broker     string
}

// run measures the round. When ctx ends it returns what was measured by then, which may be
// no frame.
func (r *round) run(ctx context.Context) (got outcome, err error) {
	services := r.cfg.Services
	if services.Data.Data == "" {
		dir, err := host.Scratch("")
		if err != nil {
			return got, fmt.Errorf("make a data directory: %w", err)
		}
		defer os.RemoveAll(dir)
		services.Data.Data = dir
	}
	services.Flush = map[string]storage.Flush{"interval": storage.FlushInterval, "os": storage.FlushOS}[r.cfg.Flush]
	r.ctx, r.data = ctx, services.Data.Data
	last, err := pipeline.Run(ctx, pipeline.RunConfig{
		Services: services,
		Job: pipeline.Job{
			Detect: r.cfg.Detect, Cameras: r.cfg.Cameras, Play: r.play(),
		},
		Detect: r.cfg.Child, Started: r.onStarted, Progress: r.onProgress, Stderr: r.cfg.Stderr, Log: r.cfg.Log,
	})
	seen := r.watch.stop()
	r.cut = ctx.Err() != nil
	if err != nil {
		return got, err
	}
	if seen == nil {
		return got, nil // it was stopped before the first frame
	}
	// The tables are read although ctx may have ended: what was measured is kept.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tablesTimeout)
	defer cancel()
	db, done, err := database.Open(ctx, services.Data, services.Database, r.cfg.Log)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return r.read(ctx, db, last, seen)
}

// tablesTimeout bounds the reading of a round's rows.
const tablesTimeout = 2 * time.Minute

// play is the schedule of the round, nil for files that are read as fast as possible.
func (r *round) play() *pipeline.Play {
	if r.cfg.Detect.Pace == "fast" {
		return nil
	}
	return &pipeline.Play{FPS: r.cfg.FPS, Length: r.cfg.length()}
}

func (r *round) onStarted(s *pipeline.Services) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services = s
}

// onProgress starts the watch when the cameras are open, and shows how far they are.
func (r *round) onProgress(p pipeline.Progress) {
	r.mu.Lock()
	if r.watch == nil && running(p.Cameras) {
		r.watch = startWatch(r.ctx, r.cfg, r.services.URL, p.Cameras)
	}
	w := r.watch
	r.mu.Unlock()
	r.clock.progress(p, w)
}

// running reports whether every camera has its run.
func running(cams []pipeline.CameraStatus) bool {
	for _, c := range cams {
		if c.State == pipeline.Opening {
			return false
		}
	}
	return len(cams) > 0
}

// read computes the figures of the round from its rows.
func (r *round) read(ctx context.Context, db *pgxpool.Pool, last pipeline.Progress, seen *watched) (got outcome, err error) {
	got.start, got.usage, got.postgres, got.broker = seen.start, seen.usage, seen.postgres, "bundled"
	if b := r.cfg.Services.Kafka.Brokers; len(b) > 0 {
		got.broker = strings.Join(b, ",")
	}
	if got.correct, err = correctness(ctx, db, last.Cameras, r.cfg, r.cut); err != nil {
		return got, err
	}
	if !got.correct.OK() && !(r.cut && got.correct.Sent == 0) {
		return got, &IncorrectError{got.correct}
	}
	if got.Round, err = readFrames(ctx, db, runsOf(last.Cameras), window{seen.from, seen.to, seen.interval}); err != nil || got.Frames == 0 {
		return got, err
	}
	got.Histograms[result.DueVisible], got.Histograms[result.ProbeGap] = seen.visible, seen.gaps
	got.Processes = seen.usage.Processes
	for _, c := range last.Cameras {
		got.Dropped += c.Dropped
	}
	setValues(&got.Round, seen, r.cfg.Services)
	if r.cfg.Services.Data.Data == "" { // they hold this round alone
		err = r.sizes(ctx, db, &got)
	}
	if r.number == 0 && err == nil {
		got.durability, err = durabilityOf(ctx, r.cfg, r.data, seen)
	}
	return got, err
}

// sizes measures what the round has left on disk.
func (r *round) sizes(ctx context.Context, db *pgxpool.Pool, got *outcome) error {
	rows := float64(got.correct.Stored)
	if len(r.cfg.Services.Kafka.Brokers) == 0 {
		n, err := treeBytes(filepath.Join(r.data, "log", "logs"))
		if err != nil {
			return err
		}
		got.Values[result.OnDiskLog] = float64(n) / rows
	}
	n, err := tableBytes(ctx, db)
	got.Values[result.OnDiskDB] = float64(n) / rows
	return err
}

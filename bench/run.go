package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/query"
)

// Config is what to measure.
type Config struct {
	Version  string
	Services pipeline.ServicesConfig // Data is empty: a directory for this run alone
	Detect   config.Detect
	Cameras  map[string]config.CameraSettings
	Child    []string // command line of the detect child
	Progress func(pipeline.Progress)
	Stderr   io.Writer
	Log      *slog.Logger
}

// Run plays the sources to their end and returns the report.
func Run(ctx context.Context, cfg Config) (r *Report, err error) {
	if cfg.Services.Data.Data == "" {
		dir, err := scratch()
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		cfg.Services.Data.Data = dir
	}
	began, cpu := time.Now(), cpuTime()
	p, err := pipeline.Run(ctx, pipeline.RunConfig{
		Services: cfg.Services,
		Job:      pipeline.Job{Detect: cfg.Detect, Cameras: cfg.Cameras},
		Detect:   cfg.Child,
		Progress: cfg.Progress,
		Stderr:   cfg.Stderr,
		Log:      cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, errors.New("the benchmark was stopped")
	}
	r = &Report{
		Version: cfg.Version, At: began.UTC().Truncate(time.Second), Host: host(),
		Source: cfg.Detect.Source, Pace: cfg.Detect.Pace, Model: cfg.Detect.Model,
		Seconds: time.Since(began).Seconds(), Frames: p.Frames, Detections: p.Objects, Sightings: p.Rows,
	}
	for _, c := range p.Cameras {
		r.Dropped += c.Dropped
	}
	// All children have ended and been waited for.
	r.CPUSeconds = (cpuTime() - cpu).Seconds()
	r.CPUCores = r.CPUSeconds / r.Seconds
	r.SelfRSS, r.ChildRSS = peak(syscall.RUSAGE_SELF), peak(syscall.RUSAGE_CHILDREN)

	db, done, err := database.Open(ctx, cfg.Services.Data, cfg.Services.Database, cfg.Log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return r, r.measure(ctx, db, began)
}

// scratch makes a directory that the private database's user can reach.
func scratch() (string, error) {
	dir, err := os.MkdirTemp("", "sightlog-bench-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("make a data directory: %w", err)
	}
	return dir, nil
}

// measure reads the latencies of the frames grabbed since began.
func (r *Report) measure(ctx context.Context, db *pgxpool.Pool, began time.Time) error {
	all, err := query.Stages(ctx, db, began)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no sighting was committed: is the source empty?")
	}
	r.Stages, r.EndToEnd = all[:len(all)-1], all[len(all)-1]

	var span float64
	if err := db.QueryRow(ctx, `SELECT extract(epoch FROM max(grabbed_at) - min(grabbed_at)) FROM sightings WHERE grabbed_at >= $1`, began).Scan(&span); err != nil {
		return fmt.Errorf("read the span: %w", err)
	}
	if span > 0 {
		r.FPS = float64(r.Frames-1) / span
	}
	return nil
}

func cpuTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

// peak is the most memory that was resident at once, in bytes: of this process
// or of the largest child.
func peak(who int) int64 {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return u.Maxrss << 10 // kilobytes, getrusage(2)
}

func host() Host {
	h := Host{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), CPU: "unknown CPU"}
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.SplitSeq(string(b), "\n") {
		if name, v, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			h.CPU = strings.TrimSpace(v)
			break
		}
	}
	return h
}

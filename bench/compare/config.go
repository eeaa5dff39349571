package compare

import (
	"context"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/bench/result"
)

// The sides.
const (
	Ours  = "sightlog"
	Tuned = "tuned"
	Naive = "naive"
)

// Config is what to compare.
type Config struct {
	// Ours measures a round of sightlog.
	Ours func(ctx context.Context) (*result.Report, error)

	Baselines  []string // Tuned, Naive
	Clips      []string // of each camera
	Model      []byte
	Side       int     // of the model's input; 0: its own
	Threads    int     // of the model; 0: all cores
	FPS        float64 // of each camera; 0: as recorded
	Duration   time.Duration
	WarmUp     time.Duration
	Rounds     int
	Partitions int
	Sinks      int // consumers of the tuned side; the naive one has one

	Tools    Tools
	Report   result.Report // what reports have in common: machine, inputs, settings, version
	Dir      string        // for logs and databases, which are removed
	Progress func(what string)
	Log      *slog.Logger
}

// length is how long a round plays.
func (c *Config) length() time.Duration { return c.WarmUp + c.Duration }

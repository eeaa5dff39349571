package bench

import (
	"io"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
)

// Config is what to measure.
type Config struct {
	Version  string
	Settings map[string]string       // flags to report, by name
	Services pipeline.ServicesConfig // Data is empty: a directory for each round alone
	Detect   config.Detect           // Source has one entry a camera
	Cameras  map[string]config.CameraSettings
	Child    []string // command line of the detect child

	FPS      float64       // of each camera; 0: as recorded
	Duration time.Duration // that is measured, the sources repeated; 0: each is played once
	Warmup   time.Duration // before it, left out of the figures
	Rounds   int           // 1 or more
	Flush    string        // of the bundled log: always, interval or os
	Clips    []string      // paths of the sources that are files
	Model    result.Input  // the model's file
	Onnx     string        // version of onnxruntime

	Progress func(Step) // may be nil; called by one goroutine at a time
	Stderr   io.Writer  // of the child
	Log      *slog.Logger
}

// length is how long a round plays, 0: each source once.
func (c Config) length() time.Duration {
	if c.Duration <= 0 {
		return 0
	}
	return c.Warmup + c.Duration
}

// Step is how far a measurement is.
type Step struct {
	What    string        // "round 2 of 5", "8 cameras"
	Frames  int64         // of this round
	FPS     float64       // now
	P99     time.Duration // grabbed to committed, of the newest
	Left    time.Duration // until the end of the measurement; 0: not known
	Problem string        // what keeps frames from the tables, if something does
}

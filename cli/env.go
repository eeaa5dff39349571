package cli

import (
	"io"
	"log/slog"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
)

// Version is set by the linker.
var Version = "dev"

// Env is what a command runs in.
type Env struct {
	Name   string // of the program: "sightlog" or "sightlogd"
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Common config.Common

	Cameras map[string]config.CameraSettings // settings by camera, from the file
	Places  map[string]config.Place          // from the file; nil: it names none
	Alarms  pipeline.Alarms                  // from the file
}

// Logger returns a logger on standard error, at the level of --log-level or, without it,
// at least.
func (e *Env) Logger(least slog.Level) *slog.Logger {
	level := least
	if e.Common.LogLevel != "" {
		_ = level.UnmarshalText([]byte(e.Common.LogLevel)) // the parser checked it
	}
	opts := &slog.HandlerOptions{Level: level}
	if e.Common.LogFormat == jsonFormat {
		return slog.New(slog.NewJSONHandler(e.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(e.Stderr, opts))
}

package health

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/query"
)

// Level is how a part is.
type Level string

// The levels, in the order of their weight.
const (
	OK      Level = "ok"
	Warning Level = "warning" // it works, and needs a look
	Bad     Level = "bad"     // data does not arrive, or soon will not
)

// Part is the state of a part.
type Part struct {
	Name   string `json:"name"` // cameras, detector, broker, lag, database, receivers, disk, clock
	Level  Level  `json:"level"`
	Detail string `json:"detail"`        // how it is, in words
	Fix    string `json:"fix,omitempty"` // what to do, unless it is ok
	Camera string `json:"camera,omitempty"`
}

// Health is the state of all parts.
type Health struct {
	At     time.Time     `json:"at"`
	Level  Level         `json:"level"` // the worst
	Parts  []Part        `json:"parts"`
	Stages []query.Stage `json:"stages"` // of the sightings of the last half minute; empty: there are none
}

// Config is what the routes work on.
type Config struct {
	Facts  func(context.Context) pipeline.Facts
	Status func() pipeline.Status // of detect; nil where it runs apart
	Pool   *pgxpool.Pool
	Log    *slog.Logger

	mu     sync.Mutex // guards the following
	newest Health
	before []sample // oldest first, at most maxSamples
}

// sample is what was counted at a time. Rates are those between two of them.
type sample struct {
	at         time.Time
	cameras    []pipeline.CameraStatus
	free, size uint64 // of the data directory's file system, in bytes; size 0: not known
}

// maxSamples bounds the samples that are kept: at one a second those of an hour.
const maxSamples = 3600

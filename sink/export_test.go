package sink

import (
	"context"
	"errors"
	"time"
)

// Retain deletes what is too old at a time, as Run does every hour. Its pauses call
// pause instead of passing time.
func (s *Sink) Retain(ctx context.Context, now time.Time, pause func() error) error {
	r := s.retention()
	r.pause = func(context.Context, time.Duration) error { return pause() }
	return r.round(ctx, now)
}

// ErrHeld is returned by Retain if a day could not be dropped yet.
var ErrHeld = errHeld

// IsElsewhere reports whether another sink was deleting.
func IsElsewhere(err error) bool { return errors.Is(err, errElsewhere) }

// Close ends a sink that is not run.
func (s *Sink) Close() { s.dead.Close() }

// Package backoff has the pauses between attempts that fail.
package backoff

import (
	"context"
	"time"
)

// Policy is a sequence of pauses. Each is twice as long as the one before, up to
// Limit.
type Policy struct {
	First time.Duration
	Limit time.Duration
}

// After returns the pause after so many failures in a row, from 1.
func (p Policy) After(failures int) time.Duration {
	pause := p.First
	for n := 1; n < failures && pause < p.Limit; n++ {
		pause *= 2
	}
	return min(pause, p.Limit)
}

// Wait waits for the pause after so many failures. It returns the error of ctx if that
// ends before.
func (p Policy) Wait(ctx context.Context, failures int) error { return Sleep(ctx, p.After(failures)) }

// Sleep waits for d. It returns the error of ctx if that ends before.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

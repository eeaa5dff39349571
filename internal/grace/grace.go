// Package grace lets work in progress finish when it is asked to stop.
package grace

import (
	"context"
	"time"
)

// Context returns a context that ends d after ctx does, or when its CancelFunc is
// called, which must be.
func Context(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-work.Done():
		}
	})
	return work, func() { stop(); cancel() }
}

// Package outage reports whether something that is used can be used, a line for each
// change.
package outage

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// recovered is the time without a failure after which the thing is available again: a
// part that fails does not alternate with others that do not.
const recovered = 3 * time.Second

// Outage is whether the thing named What can be used. Its methods may be called
// concurrently.
type Outage struct {
	What    string // "the log"
	Log     *slog.Logger
	Waiting prometheus.Gauge // 1 while it cannot

	mu    sync.Mutex // guards the following
	cause error      // of the last failure; nil: it can be used
	last  time.Time  // when that was
}

// Failed is called after each failure.
func (o *Outage) Failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cause == nil {
		o.Log.Warn("unavailable, retrying", "what", o.What, "err", err)
		o.Waiting.Set(1)
	}
	o.cause, o.last = err, time.Now()
}

// OK is called after each answer.
func (o *Outage) OK() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cause == nil || time.Since(o.last) < recovered {
		return
	}
	o.Log.Info("available again", "what", o.What)
	o.Waiting.Set(0)
	o.cause = nil
}

// Problem returns one line that says who waits for it and why, or "" while it can be used.
func (o *Outage) Problem(who string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cause == nil {
		return ""
	}
	return fmt.Sprintf("%s waits for %s: %v", who, o.What, o.cause)
}

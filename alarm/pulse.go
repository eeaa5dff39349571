package alarm

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A pulse knows when this process did not run: it was stopped, or its machine slept. What came from
// no camera then says nothing of the cameras.
type pulse struct {
	mu   sync.Mutex // guards the following
	last time.Time  // of the last beat
	gaps []gap      // the newest
}

// gap is a time without a beat.
type gap struct{ from, until time.Time }

const (
	beatEvery  = 500 * time.Millisecond
	stallAfter = 2 * time.Second // a machine with much to do beats late
	gapsKept   = 100
)

// run beats until ctx ends.
func (p *pulse) run(ctx context.Context, now func() time.Time) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		p.beat(now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beat notes that the process runs.
func (p *pulse) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now = now.Round(0) // without the monotonic clock, which stands still while a machine sleeps
	if !p.last.IsZero() && now.Sub(p.last) > stallAfter {
		p.gaps = append(p.gaps, gap{p.last, now})
		p.gaps = slices.Delete(p.gaps, 0, max(0, len(p.gaps)-gapsKept))
	}
	p.last = now
}

// lost returns how much of a time the process did not run.
func (p *pulse) lost(since, until time.Time) (sum time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.gaps {
		from, to := g.from, g.until
		if from.Before(since) {
			from = since
		}
		if to.After(until) {
			to = until
		}
		sum += max(0, to.Sub(from))
	}
	return sum
}

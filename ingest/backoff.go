package ingest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// Backoff spaces the tries to open one source. The pause doubles with each
// failure, whether the source did not open or was lost after it had, and is
// short again only after Lasted. Each kind of failure has pauses of its own:
//
//	                          first     longest
//	unreachable, lost         0.1 s     10 s
//	refused: 404, HTML, …     1 s       1 min
//	refused login: 401, 403   10 min    30 min
//
// A pause is jittered, so that many cameras do not reconnect at once: between half
// and all of it; that after a refused login between all and one and a half, as
// cameras lock an account after three to five of them in half an hour.
//
// The zero value is ready. It may be used from anywhere.
type Backoff struct {
	mu       sync.Mutex     // guards the following
	failures [3]int         // in a row, by kind
	until    time.Time      // when the next try is due
	random   func() float64 // in [0, 1); nil: math/rand
}

// schedules are the first and longest pause of each kind of failure.
var schedules = [3]backoff.Policy{
	{First: 100 * time.Millisecond, Limit: 10 * time.Second},
	{First: time.Second, Limit: time.Minute},
	{First: 10 * time.Minute, Limit: 30 * time.Minute},
}

// kindOf returns the schedule of a failure.
func kindOf(err error) int {
	var r *refusal
	switch {
	case !errors.As(err, &r):
		return 0
	case r.login:
		return 2
	}
	return 1
}

// Failed counts a failure and returns the pause until the next try.
func (b *Backoff) Failed(err error) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	kind := kindOf(err)
	b.failures[kind]++
	pause := schedules[kind].After(b.failures[kind])
	random := b.random
	if random == nil {
		random = rand.Float64
	}
	least := 0.5
	if kind == 2 {
		least = 1
	}
	pause = time.Duration(float64(pause) * (least + random()/2))
	b.until = time.Now().Add(pause)
	return pause
}

// Lasted forgets the failures: the source delivered frames for a while.
func (b *Backoff) Lasted() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.until = [3]int{}, time.Time{}
}

// Until is when the next try is due; it may be over.
func (b *Backoff) Until() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until
}

// Hold lets no try be due before t: a process before this one said so.
func (b *Backoff) Hold(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = t
}

// Left is how much of the pause is left.
func (b *Backoff) Left() time.Duration { return max(0, time.Until(b.Until())) }

// Wait returns when the next try is due, or ctx's error.
func (b *Backoff) Wait(ctx context.Context) error { return backoff.Sleep(ctx, b.Left()) }

package wire

import (
	"context"
	"slices"
	"sync"
)

// Budget is memory that connections share: that of requests which are read and
// served, or that of responses which are written. One address has at most half of it
// and one connection a quarter, so that no client can shut the others out.
//
// A request takes memory in steps, as its bytes arrive, and not for the size that it
// announces. Requests that are half read could then wait for each other forever. So a
// part of the budget is a reserve, which is lent to one claim at a time: the first in
// the queue, which takes all that it lacks from the reserve and does not wait again.
type Budget struct {
	shared  int64 // without the reserve
	reserve int64

	mu        sync.Mutex    // guards the following
	used      int64         // of shared
	held      map[any]int64 // bytes by connection and, again, by address
	waiting   []*waiter     // by arrival
	lent      *Claim        // the claim that has the reserve, or nil
	lentBytes int64         // bytes of the reserve that it took
}

// Claim is the memory of one request or response.
type Claim struct {
	budget *Budget
	conn   any    // the connection; a key
	host   string // its address
	held   int64  // of the shared part
}

// waiter is a claim that wants bytes, and accepts no less than least. rest are the
// bytes that it lacks in total.
type waiter struct {
	claim             *Claim
	want, least, rest int64
	granted           chan int64 // capacity 1
}

// NewBudget returns a budget of total bytes, of which reserve are the reserve.
func NewBudget(total, reserve int64) *Budget {
	return &Budget{shared: total - reserve, reserve: reserve, held: map[any]int64{}}
}

// Claim returns an empty claim of a connection from host.
func (b *Budget) Claim(conn any, host string) *Claim {
	return &Claim{budget: b, conn: conn, host: host}
}

// Usage returns the bytes that claims hold, and how many connections hold some.
func (b *Budget) Usage() (bytes int64, connections int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.held {
		if _, host := key.(string); !host {
			connections++
		}
	}
	return b.used + b.lentBytes, connections
}

// free returns the bytes that the claim's connection could take now. b is locked.
func (b *Budget) free(c *Claim) int64 {
	return min(b.shared-b.used, b.shared/2-b.held[c.host], b.shared/4-b.held[c.conn])
}

// take adds n bytes, free or not, to the claim. b is locked.
func (b *Budget) take(c *Claim, n int64) {
	c.held += n
	b.used += n
	b.held[c.conn] += n
	b.held[c.host] += n
}

// Grow adds n bytes to the claim, and waits until they are free. rest are the bytes
// that the claim lacks in total: if they come from the reserve, all of them are
// granted, and lent is true.
func (c *Claim) Grow(ctx context.Context, n, rest int64) (granted int64, lent bool, err error) {
	return c.wait(ctx, &waiter{claim: c, want: n, least: n, rest: rest, granted: make(chan int64, 1)})
}

// Share adds want bytes to the claim, or fewer: no more than a part of those that are
// free, so that some are left for the next claim. It waits until least are free.
func (c *Claim) Share(ctx context.Context, want, least int64) (int64, error) {
	least = min(want, least)
	n, _, err := c.wait(ctx, &waiter{claim: c, want: want, least: least, rest: least, granted: make(chan int64, 1)})
	return n, err
}

func (c *Claim) wait(ctx context.Context, w *waiter) (granted int64, lent bool, err error) {
	b := c.budget
	b.mu.Lock()
	b.waiting = append(b.waiting, w)
	b.grant()
	b.mu.Unlock()
	select {
	case granted = <-w.granted:
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting = slices.DeleteFunc(b.waiting, func(o *waiter) bool { return o == w })
		return 0, false, ctx.Err() // bytes that were granted meanwhile are released with the claim
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return granted, b.lent == c, nil
}

// grant serves the waiters in their order, except those whose address or connection
// holds too much, and lends the reserve to the first that is left. b is locked.
func (b *Budget) grant() {
	b.waiting = slices.DeleteFunc(b.waiting, func(w *waiter) bool {
		const part = 16
		free := b.free(w.claim)
		if w.least > free {
			return false
		}
		n := max(w.least, min(w.want, free/part))
		b.take(w.claim, n)
		w.granted <- n
		return true
	})
	if b.lent == nil && len(b.waiting) > 0 && b.waiting[0].rest <= b.reserve {
		w := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.lent, b.lentBytes = w.claim, w.rest
		w.granted <- w.rest
	}
}

// Resize sets the claim's size to n bytes, free or not, when the size that is needed
// is known.
func (c *Claim) Resize(n int64) {
	b := c.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lent == c && n <= b.reserve {
		return
	}
	b.take(c, n-c.held)
	b.afterChange(c)
}

// Release gives all of the claim's bytes back.
func (c *Claim) Release() {
	b := c.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.take(c, -c.held)
	if b.lent == c {
		b.lent, b.lentBytes = nil, 0
	}
	b.afterChange(c)
}

// afterChange follows a change of what the claim holds. b is locked.
func (b *Budget) afterChange(c *Claim) {
	for _, key := range []any{c.conn, c.host} {
		if b.held[key] == 0 {
			delete(b.held, key)
		}
	}
	b.grant()
}

package wire

import (
	"context"
	"slices"
	"sync"
)

// Budget is memory that connections share: that of requests being read and
// served, or that of answers being written. One address has at most half of it
// and one connection a quarter, so that nobody keeps the others out.
//
// A request takes memory step by step as its bytes come, not for what it says it
// will be. Many that are half read could then wait for each other for ever: so a
// part of the budget is a reserve, lent to one claim at a time, the first that
// waits, which takes all that it lacks from there and waits no more.
type Budget struct {
	shared  int64 // without the reserve
	reserve int64

	mu      sync.Mutex // guards what follows
	used    int64      // of shared
	by      map[any]int64
	waiting []*waiter // by arrival
	lent    *Claim    // the claim that has the reserve, or nil
	lentFor int64     // bytes of the reserve that it took
}

// Claim is what one request or answer holds.
type Claim struct {
	budget *Budget
	conn   any    // the connection; a key
	host   string // its address
	held   int64  // of the shared part
}

// waiter is a claim that wants bytes now, and takes no less than least. rest is
// what it lacks altogether.
type waiter struct {
	claim             *Claim
	want, least, rest int64
	granted           chan int64 // capacity 1
}

// NewBudget makes a budget of total bytes, of which reserve are lent.
func NewBudget(total, reserve int64) *Budget {
	return &Budget{shared: total - reserve, reserve: reserve, by: map[any]int64{}}
}

// Claim returns a claim of nothing yet for a connection from host.
func (b *Budget) Claim(conn any, host string) *Claim {
	return &Claim{budget: b, conn: conn, host: host}
}

// Usage returns the bytes that claims hold, and how many connections hold some.
func (b *Budget) Usage() (bytes int64, connections int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.by {
		if _, host := key.(string); !host {
			connections++
		}
	}
	return b.used + b.lentFor, connections
}

// free returns what the claim's connection could take at once. b is locked.
func (b *Budget) free(c *Claim) int64 {
	return min(b.shared-b.used, b.shared/2-b.by[c.host], b.shared/4-b.by[c.conn])
}

// take gives the claim n bytes, whether they are free or not. b is locked.
func (b *Budget) take(c *Claim, n int64) {
	c.held += n
	b.used += n
	b.by[c.conn] += n
	b.by[c.host] += n
}

// Grow takes n more bytes, and waits for them if it must. rest is all that the
// claim lacks; it is what the claim is given, and lent is true, if that came from
// the reserve.
func (c *Claim) Grow(ctx context.Context, n, rest int64) (granted int64, lent bool, err error) {
	return c.wait(ctx, &waiter{claim: c, want: n, least: n, rest: rest, granted: make(chan int64, 1)})
}

// Share takes want bytes, or less where that is more than a part of what is free
// when its turn comes: so there is something left for whoever comes next. It waits
// for least.
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
		return 0, false, ctx.Err() // what it was given meanwhile is released with the claim
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return granted, b.lent == c, nil
}

// grant serves those who wait, in their order but past those whose address or
// connection has too much, and lends the reserve to the first who cannot be. b is
// locked.
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
		b.lent, b.lentFor = w.claim, w.rest
		w.granted <- w.rest
	}
}

// Resize makes the claim one of n bytes, free or not: what turned out to be
// needed.
func (c *Claim) Resize(n int64) {
	b := c.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lent == c && n <= b.reserve {
		return
	}
	b.take(c, n-c.held)
	b.settle(c)
}

// Release gives everything back.
func (c *Claim) Release() {
	b := c.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.take(c, -c.held)
	if b.lent == c {
		b.lent, b.lentFor = nil, 0
	}
	b.settle(c)
}

// settle follows a change of what the claim holds. b is locked.
func (b *Budget) settle(c *Claim) {
	for _, key := range []any{c.conn, c.host} {
		if b.by[key] == 0 {
			delete(b.by, key)
		}
	}
	b.grant()
}

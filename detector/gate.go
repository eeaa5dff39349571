package detector

import (
	"context"
	"slices"
	"sync"
)

// Gate lets a fixed number of cameras use the processor at a time. Those who
// wait are let in in the order in which they came; a camera that has at most
// one frame waiting therefore gets its turn once before any other gets two.
type Gate struct {
	mu    sync.Mutex // guards the following
	free  int
	queue []chan struct{} // closed to let one in, the first come first
}

// NewGate returns a gate for n at a time.
func NewGate(n int) *Gate { return &Gate{free: max(n, 1)} }

// Enter waits for its turn, or returns ctx's error. Who got in must Leave.
func (g *Gate) Enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.queue = append(g.queue, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.queue, turn); i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
	} else { // let in at the same moment: the place is given on
		g.leave()
	}
	return ctx.Err()
}

// Leave lets the next one in.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave()
}

func (g *Gate) leave() {
	if len(g.queue) == 0 {
		g.free++
		return
	}
	close(g.queue[0])
	g.queue = slices.Delete(g.queue, 0, 1)
}

// Waiting is how many wait for their turn.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.queue)
}

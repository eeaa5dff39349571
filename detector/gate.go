package detector

import "context"

// Gate lets a fixed number of cameras use the processor at a time. Those who
// wait are let in in the order in which they came; a camera that has at most
// one frame waiting therefore gets its turn once before any other gets two.
type Gate struct{ slots chan struct{} }

// NewGate returns a gate for n at a time.
func NewGate(n int) *Gate { return &Gate{make(chan struct{}, max(n, 1))} }

// Enter waits for its turn, or returns ctx's error.
func (g *Gate) Enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}: // blocked senders of a channel are served first come, first served
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Leave lets the next one in.
func (g *Gate) Leave() { <-g.slots }

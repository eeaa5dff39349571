package detector_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
)

func TestGateLetsInFirstComeFirst(t *testing.T) {
	t.Parallel()
	g := detector.NewGate(1)
	require.NoError(t, g.Enter(context.Background()))
	in := make(chan int)
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			if g.Enter(context.Background()) == nil {
				in <- i
			}
		})
		require.Eventually(t, func() bool { return g.Waiting() == i+1 }, 5*time.Second, time.Millisecond)
	}
	for i := range 5 {
		g.Leave()
		require.Equal(t, i, <-in)
	}
	g.Leave()
	wg.Wait()
}

func TestGateHoldsItsNumber(t *testing.T) {
	t.Parallel()
	g := detector.NewGate(2)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(inside.Load())*time.Microsecond)
				if g.Enter(ctx) == nil {
					n := inside.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					inside.Add(-1)
					g.Leave()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int64(2))
	require.Zero(t, g.Waiting())
	for range 2 { // no place was lost to those who gave up
		require.NoError(t, g.Enter(context.Background()))
	}
}

func TestGateStopsWaitingWithItsContext(t *testing.T) {
	t.Parallel()
	g := detector.NewGate(1)
	require.NoError(t, g.Enter(context.Background()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, g.Enter(ctx), context.DeadlineExceeded)
	require.Zero(t, g.Waiting())
	g.Leave()
	require.NoError(t, g.Enter(context.Background()))
}

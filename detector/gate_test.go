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

func TestGateIsFairToCameras(t *testing.T) {
	t.Parallel()
	g := detector.NewGate(2)
	const cameras, turns = 7, 300
	counts := make([]atomic.Int64, cameras)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for c := range cameras {
		wg.Go(func() {
			for g.Enter(ctx) == nil {
				n := inside.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				until := time.Now().Add(time.Duration(50+20*c) * time.Microsecond) // some are slow
				for time.Now().Before(until) {
				}
				inside.Add(-1)
				g.Leave()
				if counts[c].Add(1) == turns {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 2, most.Load())
	for c := range counts {
		require.Greater(t, counts[c].Load(), int64(turns/3), "camera %d was starved", c)
	}
}

func TestGateStopsWaitingWithItsContext(t *testing.T) {
	t.Parallel()
	g := detector.NewGate(1)
	require.NoError(t, g.Enter(context.Background()))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, g.Enter(ctx), context.Canceled)
	g.Leave()
	require.NoError(t, g.Enter(context.Background()))
}

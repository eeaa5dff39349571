package backoff_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/backoff"
)

func TestAfter_FailuresInARow_DoublesUpToTheLimit(t *testing.T) {
	p := backoff.Policy{First: 50 * time.Millisecond, Limit: time.Second}
	for failures, want := range map[int]time.Duration{
		0: 50 * time.Millisecond, 1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 5: 800 * time.Millisecond, 6: time.Second, math.MaxInt: time.Second,
	} {
		require.Equal(t, want, p.After(failures), failures)
	}
	require.Equal(t, time.Second, backoff.Policy{First: time.Minute, Limit: time.Second}.After(1))
}

func TestWait_ContextEnds_ReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := backoff.Policy{First: time.Hour, Limit: time.Hour}
		began := time.Now()
		require.NoError(t, p.Wait(t.Context(), 1))
		require.Equal(t, time.Hour, time.Since(began))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.Wait(ctx, 1), context.Canceled)
		require.Equal(t, time.Hour, time.Since(began))
	})
}

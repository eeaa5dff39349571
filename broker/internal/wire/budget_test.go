package wire

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Answers that ask at the same moment leave each other a part: none waits for
// another to be read.
func TestBudget_SharesAtOnce_AllGranted(t *testing.T) {
	t.Parallel()
	const answers, least = 32, 1 << 10
	for range 200 {
		b := NewBudget(answers<<20, 0)
		begin := make(chan struct{})
		var wg sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		for range answers {
			c := b.Claim(new(int), "/peer")
			wg.Go(func() {
				<-begin
				n, err := c.Share(ctx, 8<<20, least)
				if err != nil || n < least {
					t.Errorf("%d bytes: %v", n, err)
					cancel()
				}
			})
		}
		close(begin)
		wg.Wait()
		cancel()
		if t.Failed() {
			return
		}
	}
}

func TestBudget_OneAddress_LeavesHalfToOthers(t *testing.T) {
	t.Parallel()
	b := NewBudget(160, 60) // 100 are shared
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	take := func(host string, n int64) *Claim {
		held := b.Claim(new(int), host)
		got, lent, err := held.Grow(ctx, n, n)
		require.NoError(t, err)
		require.False(t, lent)
		require.Equal(t, n, got)
		return held
	}
	greedy := []*Claim{take("a", 25), take("a", 25)}
	lent := b.Claim(new(int), "a")
	got, isLent, err := lent.Grow(ctx, 1, 60)
	require.NoError(t, err)
	require.True(t, isLent, "beyond its half the first is lent the reserve")
	require.Equal(t, int64(60), got, "as much as it lacks")
	next := make(chan int64)
	go func() {
		held := b.Claim(new(int), "a")
		n, _, _ := held.Grow(ctx, 1, 60)
		held.Release()
		next <- n
	}()
	require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.waiting) == 1 }, 30*time.Second, time.Millisecond)
	other := take("b", 25) // past the one that waits
	lent.Release()
	require.Equal(t, int64(60), <-next)
	for _, c := range append(greedy, other) {
		c.Release()
	}
	require.Zero(t, b.used)
	require.Empty(t, b.held)
}

func TestBudget_OneConnection_LeavesThreeQuartersToOthers(t *testing.T) {
	t.Parallel()
	b := NewBudget(100, 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn := new(int)
	first := b.Claim(conn, "a")
	_, _, err := first.Grow(ctx, 25, 25)
	require.NoError(t, err)
	next := make(chan error)
	go func() {
		second := b.Claim(conn, "a")
		_, _, err := second.Grow(ctx, 1, 1)
		second.Release()
		next <- err
	}()
	require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.waiting) == 1 }, 30*time.Second, time.Millisecond)
	other := b.Claim(new(int), "a") // of the same address
	_, _, err = other.Grow(ctx, 25, 25)
	require.NoError(t, err)
	first.Release()
	require.NoError(t, <-next)
	other.Release()
}

package ingest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tries is how often a source that always fails so is tried in a span, by the
// schedule alone, with the shortest pauses that jitter allows.
func tries(b *Backoff, err error, span time.Duration) (n int) {
	for at := time.Duration(0); at < span; at += b.Failed(err) {
		n++
	}
	return n
}

func TestBackoff_EveryFailure_PausesGrowToTheirLongest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err            error
		first, longest time.Duration
		quarter        int // tries in 15 s
		hour           int
	}{
		{errLost, 50 * time.Millisecond, 5 * time.Second, 9, 740},
		{refusals[404], 500 * time.Millisecond, 30 * time.Second, 5, 125},
		{refusals[answerPage], 500 * time.Millisecond, 30 * time.Second, 5, 125},
		{refusals[401], 10 * time.Minute, 30 * time.Minute, 1, 4},
		{refusals[403], 10 * time.Minute, 30 * time.Minute, 1, 4},
	} {
		b := &Backoff{random: func() float64 { return 0 }}
		require.Equal(t, c.first, b.Failed(c.err))
		last := c.first
		for range 20 {
			pause := b.Failed(c.err)
			require.GreaterOrEqual(t, pause, last)
			last = pause
		}
		require.Equal(t, c.longest, last)
		b.Lasted()
		require.LessOrEqual(t, tries(b, c.err, 15*time.Second), c.quarter, c.err)
		b.Lasted()
		require.LessOrEqual(t, tries(b, c.err, time.Hour), c.hour, c.err)
	}
}

func TestBackoff_Jitter_LoginsAreNeverSooner(t *testing.T) {
	t.Parallel()
	for range 1000 {
		var b Backoff
		p := b.Failed(errLost)
		require.True(t, p >= 50*time.Millisecond && p < 100*time.Millisecond, p)
		p = b.Failed(refusals[401])
		require.True(t, p >= 10*time.Minute && p < 15*time.Minute, p)
	}
}

// A camera that comes up refuses connections, then has no stream yet: what one
// failure has earned is not the other's.
func TestBackoff_AnotherKindOfFailure_HasItsOwnPause(t *testing.T) {
	t.Parallel()
	b := &Backoff{random: func() float64 { return 0 }}
	for range 20 {
		b.Failed(errLost)
	}
	require.Equal(t, 500*time.Millisecond, b.Failed(refusals[404]))
	require.Equal(t, 5*time.Second, b.Failed(errLost), "and the first is not forgotten for it")
}

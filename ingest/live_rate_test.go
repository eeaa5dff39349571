package ingest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wanted returns how many of the arrivals begin a period.
func wanted(l rateLimit, arrivals []time.Duration) int {
	periods := map[int64]bool{}
	began := time.Now()
	for _, at := range arrivals {
		periods[l.period(began.Add(at))] = true
	}
	return len(periods)
}

// every returns n arrivals at a rate, each late by up to jitter of an interval.
func every(n int, fps, jitter float64) (all []time.Duration) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		all = append(all, time.Duration((float64(i)+jitter*rng.Float64())/fps*float64(time.Second)))
	}
	return all
}

func TestRateLimit_CameraFasterOrAtTheRate_OneFrameAPeriod(t *testing.T) {
	t.Parallel()
	require.Equal(t, 250, wanted(limitTo(0), every(250, 25, 0)), "no limit")
	require.InDelta(t, 50, wanted(limitTo(5), every(250, 25, 0.3)), 1)
	require.Equal(t, 250, wanted(limitTo(25), every(250, 25, 0.45)), "at the very rate, with jitter")
	require.Equal(t, 250, wanted(limitTo(30), every(250, 25, 0.45)), "slower than the limit")
	require.InDelta(t, 80, wanted(limitTo(8), every(250, 25, 0)), 1)
}

func TestRateLimit_AfterAPause_NoFasterThanBefore(t *testing.T) {
	t.Parallel()
	arrivals := every(25, 25, 0)
	for _, at := range every(25, 25, 0) {
		arrivals = append(arrivals, 10*time.Second+at)
	}
	require.InDelta(t, 10, wanted(limitTo(5), arrivals), 2)
}

package ingest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/backoff"
)

// played returns when each frame of a source is shown, on a clock of its own.
func played(t *testing.T, p pacer, positions []time.Duration) (shown []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		for _, pts := range positions {
			require.NoError(t, p.wait(t.Context()))
			require.NoError(t, backoff.Sleep(t.Context(), p.took(pts, time.Now())))
			shown = append(shown, time.Since(began))
		}
	})
	return shown
}

// steps returns the positions of frames at these distances, from 0.
func steps(of ...time.Duration) []time.Duration {
	at := []time.Duration{0}
	for _, step := range of {
		at = append(at, at[len(at)-1]+step)
	}
	return at
}

func times(n int, step time.Duration) (all []time.Duration) {
	for range n {
		all = append(all, step)
	}
	return all
}

func TestPacer_Gaps_FramesAreShownWhenTheyWereRecorded(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	usual := times(20, 40*ms)
	for name, gaps := range map[string][]time.Duration{
		"none":                {},
		"one":                 {10 * time.Second},
		"two in a row":        {10 * time.Second, 10 * time.Second},
		"three":               {10 * time.Second, 5 * time.Second, time.Minute},
		"a frame between two": {10 * time.Second, 40 * ms, 10 * time.Second},
		"a second":            {time.Second, time.Second},
	} {
		for _, fps := range []float64{25, 0} {
			t.Run(name, func(t *testing.T) {
				at := steps(append(append(append([]time.Duration(nil), usual...), gaps...), usual...)...)
				require.Equal(t, at, played(t, pacer{pace: AsRecorded, fps: fps}, at))
			})
		}
	}
}

// A source that begins with gaps, and one whose rate is not what it declares.
func TestPacer_Beginning_FramesAreShownWhenTheyWereRecorded(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		fps float64
		at  []time.Duration
	}{
		"gap first":           {25, steps(append([]time.Duration{10 * time.Second}, times(5, 40*ms)...)...)},
		"slower than it says": {25, steps(times(40, 200*ms)...)},
		"slide show":          {1, steps(times(40, 3*time.Second)...)},
		"much slower":         {0, steps(times(40, 3*time.Second)...)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.at, played(t, pacer{pace: AsRecorded, fps: c.fps}, c.at))
		})
	}
}

// A rate that rises cannot be foreseen: its first frame is late, by a second at most, and the
// next ones are on time as soon as that is made up for.
func TestPacer_RateRises_LateOnceByASecondAtMost(t *testing.T) {
	t.Parallel()
	at := steps(append(times(40, 10*time.Second), times(60, 40*time.Millisecond)...)...)
	shown := played(t, pacer{pace: AsRecorded}, at)
	for i := range at {
		require.LessOrEqual(t, shown[i]-at[i], time.Second, "frame %d", i)
		require.GreaterOrEqual(t, shown[i], at[i], "frame %d", i)
	}
	require.Equal(t, at[80:], shown[80:])
}

func TestPacer_Fast_NeverWaits(t *testing.T) {
	t.Parallel()
	shown := played(t, pacer{pace: Fast, fps: 25}, steps(40*time.Millisecond, 10*time.Second, 40*time.Millisecond))
	require.Equal(t, make([]time.Duration, 4), shown)
}

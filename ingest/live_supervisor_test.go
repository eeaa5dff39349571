package ingest

import (
	"context"
	"image"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
)

// model is a camera on a clock that the test owns (testing/synctest): what it
// does is how long the next frame takes. Once it hangs, only interrupt helps.
type model struct {
	opened   atomic.Int64
	open     func(n int64) error                             // of the n-th opening
	next     func(n int64, frame int) (time.Duration, error) // from one frame to the next
	analyse  time.Duration                                   // that an opening takes to know what it holds
	timed    time.Duration                                   // not 0: a recording, whose frames are so far apart
	segment  time.Duration                                   // that a playlist declares; 0: none
	declared float64                                         // rate that an untimed camera declares; 0: none
}

type modelCapture struct {
	m     *model
	n     int64
	frame int
	stop  chan struct{}
}

func (m *model) capture() capture {
	return &modelCapture{m: m, stop: make(chan struct{}, 1)}
}

// wait waits for d, no longer than limit.
func (c *modelCapture) wait(d, limit time.Duration) error {
	timer := time.NewTimer(min(d, limit))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.stop:
		return errLate
	}
	if d > limit {
		return errLate
	}
	return nil
}

func (c *modelCapture) open(limit time.Duration) error {
	c.n = c.m.opened.Add(1)
	if c.m.open == nil {
		return nil
	}
	return c.m.open(c.n)
}

func (c *modelCapture) analyse(limit time.Duration) error { return c.wait(c.m.analyse, limit) }

func (c *modelCapture) grab(limit time.Duration) error {
	d, err := c.m.next(c.n, c.frame)
	c.frame++
	if err != nil {
		return err
	}
	return c.wait(d, limit)
}

func (c *modelCapture) retrieve(*gocv.Mat) bool                { return true }
func (c *modelCapture) arrived() time.Time                     { return time.Now() }
func (c *modelCapture) size() image.Point                      { return image.Point{} }
func (c *modelCapture) finite() bool                           { return c.m.timed > 0 }
func (c *modelCapture) timed() bool                            { return c.m.timed > 0 }
func (c *modelCapture) segment() time.Duration                 { return c.m.segment }
func (c *modelCapture) id() int64                              { return int64(c.frame) }
func (c *modelCapture) seek(time.Duration, time.Duration) bool { return false }
func (c *modelCapture) interrupt()                             { c.stop <- struct{}{} }
func (c *modelCapture) close()                                 {}

func (c *modelCapture) position() (time.Duration, bool) {
	return time.Duration(c.frame-1) * c.m.timed, c.m.timed > 0
}

func (c *modelCapture) fps() float64 {
	if c.m.timed == 0 {
		return c.m.declared
	}
	return 1 / c.m.timed.Seconds()
}

const never = 1000 * time.Hour

// watch runs the camera for a span and returns what it came to.
func (m *model) watch(t *testing.T, span time.Duration, then func(Stats)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Log: slog.New(slog.DiscardHandler)}.withDefaults()
		l, err := openLive(t.Context(), Info{Kind: event.SourceStream, Source: "model"}, m.capture, opts)
		require.NoError(t, err)
		time.Sleep(span)
		then(l.Stats())
		require.NoError(t, l.Close())
	})
}

func TestLive_FailsAfterAGoodOpening_IsTriedAsScheduled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next func(n int64, frame int) (time.Duration, error)
		most int64 // openings in 15 s
	}{
		"closes at once":        {func(int64, int) (time.Duration, error) { return 0, errLost }, 9},
		"gives one frame":       {func(_ int64, f int) (time.Duration, error) { return 0, []error{nil, errLost}[f] }, 9},
		"freezes after a frame": {func(_ int64, f int) (time.Duration, error) { return time.Duration(f) * never, nil }, 5},
		"closes after a second": {func(_ int64, f int) (time.Duration, error) { return time.Second / 10, []error{nil, errLost}[f/10] }, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &model{next: c.next}
			m.watch(t, 15*time.Second, func(Stats) {
				require.LessOrEqual(t, m.opened.Load(), c.most)
				require.Greater(t, m.opened.Load(), int64(2), "it is tried again")
			})
			hour := &model{next: c.next}
			hour.watch(t, time.Hour, func(Stats) { require.Less(t, hour.opened.Load(), int64(800)) })
		})
	}
}

// Frames that last make the next pause short again.
func TestLive_LostAfterFramesThatLasted_IsOpenedAtOnce(t *testing.T) {
	t.Parallel()
	m := &model{next: func(_ int64, f int) (time.Duration, error) {
		return time.Second / 10, []error{nil, errLost}[f/600]
	}}
	m.watch(t, time.Hour, func(s Stats) {
		require.InDelta(t, 59, s.Reopened, 1, "a minute each, and a tenth of a second between")
	})
}

// A camera may be slow, be so from the beginning or become so: that is no
// silence.
func TestLive_SlowCamera_IsNotOpenedForEachFrame(t *testing.T) {
	t.Parallel()
	slow := func(interval time.Duration) func(int64, int) (time.Duration, error) {
		return func(n int64, f int) (time.Duration, error) { return interval, nil }
	}
	for name, c := range map[string]struct {
		next   func(int64, int) (time.Duration, error)
		most   int64
		frames int64 // in an hour, at least
	}{
		"a frame in 3 s":  {slow(3 * time.Second), 2, 1190},
		"a frame in 10 s": {slow(10 * time.Second), 4, 340},
		"from 25 a second to one in 10 s": {func(n int64, f int) (time.Duration, error) {
			if n == 1 && f < 1000 {
				return 40 * time.Millisecond, nil
			}
			return 10 * time.Second, nil
		}, 5, 1340},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &model{next: c.next}
			m.watch(t, time.Hour, func(s Stats) {
				require.LessOrEqual(t, m.opened.Load(), c.most)
				require.GreaterOrEqual(t, s.Frames, c.frames)
			})
		})
	}
}

// A source that declares its rate is waited for from its first frame on.
func TestLive_DeclaresASlowRate_IsOpenedOnce(t *testing.T) {
	t.Parallel()
	m := &model{declared: 1. / 20, next: func(int64, int) (time.Duration, error) { return 20 * time.Second, nil }}
	m.watch(t, time.Hour, func(s Stats) {
		require.EqualValues(t, 1, m.opened.Load())
		require.InDelta(t, 180, s.Frames, 1)
	})
}

// A recording on a server may be a time-lapse: its frames are due when its
// timestamps say, and to wait for one is no silence.
func TestLive_RecordingOfAFrameInTwoHours_IsShownAtItsPace(t *testing.T) {
	t.Parallel()
	m := &model{timed: 2 * time.Hour, next: func(_ int64, f int) (time.Duration, error) {
		return 0, []error{nil, io.EOF}[f/10]
	}}
	m.watch(t, 7*time.Hour, func(s Stats) {
		require.EqualValues(t, 4, s.Frames, "at 0, 2, 4 and 6 hours")
		require.EqualValues(t, 1, m.opened.Load())
	})
}

// A source of segments gives nothing for the length of one, and then all of it at once: that
// is no silence, however long the segment.
func TestLive_SegmentsLongerThanTheLeastSilence_IsOpenedOnce(t *testing.T) {
	t.Parallel()
	for name, segment := range map[string]struct{ length, declared time.Duration }{
		"ten times":   {20 * time.Second, 0},
		"beyond that": {50 * time.Second, 50 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frames := int(10 * segment.length.Seconds())
			m := &model{timed: time.Second / 10, segment: segment.declared, next: func(_ int64, f int) (time.Duration, error) {
				if f > 0 && f%frames == 0 { // the next segment
					return segment.length, nil
				}
				return 0, nil
			}}
			m.watch(t, 10*time.Minute, func(s Stats) {
				require.EqualValues(t, 1, m.opened.Load())
				require.InDelta(t, 3000, s.Frames, float64(frames), "half of the time is waited")
			})
		})
	}
}

// What a segment holds is known from the next one only: it is waited for, for as
// long as the playlist says that segments are, and no other source is.
func TestLive_AnalysedBySegments_IsOpenedOnce(t *testing.T) {
	t.Parallel()
	for segment, opened := range map[time.Duration]int64{4 * time.Second: 1, 0: 3} { // 0: of 2.5, 5 and 10 s
		t.Run(segment.String(), func(t *testing.T) {
			t.Parallel()
			m := &model{timed: time.Second / 10, segment: segment, analyse: 6 * time.Second, next: func(int64, int) (time.Duration, error) {
				return never, nil
			}}
			synctest.Test(t, func(t *testing.T) {
				opts := Options{Log: slog.New(slog.DiscardHandler), OpenTimeout: time.Minute}.withDefaults()
				l, err := openLive(t.Context(), Info{}, m.capture, opts)
				require.NoError(t, err)
				require.Equal(t, opened, m.opened.Load())
				require.NoError(t, l.Close())
			})
		})
	}
}

// A fast camera that freezes is found out in two seconds all the same.
func TestLive_FastCameraFreezes_IsOpenedAfterTwoSeconds(t *testing.T) {
	t.Parallel()
	m := &model{next: func(n int64, f int) (time.Duration, error) {
		if n == 1 && f == 250 {
			return never, nil
		}
		return 40 * time.Millisecond, nil
	}}
	m.watch(t, 10*time.Second+2*time.Second+200*time.Millisecond, func(s Stats) { require.EqualValues(t, 1, s.Reopened) })
}

func TestLive_RefusedLogin_IsReportedAtOnceAndTriedRarely(t *testing.T) {
	t.Parallel()
	m := &model{open: func(int64) error { return refusals[401] }}
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Log: slog.New(slog.DiscardHandler)}.withDefaults()
		began := time.Now()
		_, err := openLive(t.Context(), Info{}, m.capture, opts)
		require.ErrorIs(t, err, refusals[401])
		require.Zero(t, time.Since(began))
		require.EqualValues(t, 1, m.opened.Load())

		// The next opening waits; the account sees three logins in half an hour.
		for time.Since(began) < 30*time.Minute {
			require.NoError(t, opts.Backoff.Wait(context.Background()))
			_, err = openLive(t.Context(), Info{}, m.capture, opts)
			require.ErrorIs(t, err, refusals[401])
		}
		require.LessOrEqual(t, m.opened.Load(), int64(4))
	})
}

// A password that is changed while the camera is watched locks no account.
func TestLive_LoginRefusedLater_IsTriedRarely(t *testing.T) {
	t.Parallel()
	m := &model{
		open: func(n int64) error { return []error{nil, refusals[401]}[min(n-1, 1)] },
		next: func(_ int64, f int) (time.Duration, error) { return time.Second, []error{nil, errLost}[f/60] },
	}
	m.watch(t, time.Hour, func(Stats) { require.LessOrEqual(t, m.opened.Load(), int64(5)) })
}

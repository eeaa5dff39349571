package ingest_test

import (
	"context"
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
)

// publish sends the test source, clock and all.
func publish(t *testing.T, r *rtsptest.Server, size image.Point) (stop func()) {
	t.Helper()
	const fps = 25
	s, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: fmt.Sprintf("test://people?size=%dx%d&fps=%d", size.X, size.Y, fps)}, ingest.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return rtsptest.Publish(t, r, size, fps, func(ctx context.Context) []byte {
		var f ingest.Frame
		if s.Next(ctx, &f) != nil {
			return nil
		}
		return f.Image.ToBytes()
	})
}

// after waits for a frame drawn after a moment and returns how long it took
// from then. Every frame's clock must be readable and never go back.
func after(t *testing.T, s ingest.Source, moment time.Time, limit time.Duration) (ingest.Frame, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	started, reopened, last := time.Now(), s.Stats().Reopened, time.Time{}
	for {
		var f ingest.Frame
		require.NoError(t, s.Next(ctx, &f))
		_, drawn, ok := ingest.ReadClock(&f.Image)
		if !ok { // concealed by the decoder after lost packets
			continue
		}
		require.False(t, drawn.Before(last), "frames go back in time")
		last = drawn
		if drawn.After(moment) {
			return f, time.Since(started)
		}
		require.Equal(t, reopened, s.Stats().Reopened, "a frame from before the break was served after it")
	}
}

var vga = image.Pt(640, 480)

// patience ends a test that hangs. How long it takes to come back, 5 s at the
// most on a machine that is not busy, is logged.
const patience = 30 * time.Second

func TestRTSP_EveryFault_OpenedAgain(t *testing.T) {
	rtsptest.NeedFFmpeg(t)
	r := rtsptest.Start(t, "")
	stop := publish(t, r, vga)
	s := open(t, r.URL(), ingest.Options{OpenTimeout: patience})
	require.Equal(t, "rtsp://"+r.Addr+"/cam", s.Info().Source)
	first := time.Now()
	f, _ := after(t, s, first, patience)
	require.Equal(t, 640, f.Image.Cols())

	// Killed, its socket closed, and started again.
	r.Close()
	stop()
	killed := time.Now()
	r = rtsptest.Start(t, r.Addr)
	stop = publish(t, r, vga)
	_, took := after(t, s, killed, patience)
	t.Logf("back %.2f s after a kill", took.Seconds())

	// Silent on an open socket, for longer than the watchdog waits; measured
	// from when it sends again.
	r.Silent.Store(true)
	plays := r.Plays.Load()
	require.Eventually(t, func() bool { return s.Stats().Silent > 2100*time.Millisecond || r.Plays.Load() > plays }, patience, 10*time.Millisecond)
	talks := time.Now()
	r.Silent.Store(false)
	_, took = after(t, s, talks, patience)
	t.Logf("back %.2f s after a silence", took.Seconds())

	// Another publisher with another resolution; readers are disconnected.
	stop()
	changed := time.Now()
	stop = publish(t, r, image.Pt(960, 540))
	f, took = after(t, s, changed, patience)
	require.Equal(t, 960, f.Image.Cols())
	t.Logf("back %.2f s after a change of resolution", took.Seconds())

	// The same in the middle of the session: readers notice nothing but a new
	// sequence header.
	r.Keep.Store(true)
	stop()
	reopened := s.Stats().Reopened
	publish(t, r, vga)
	deadline := time.Now().Add(patience)
	for f.Image.Cols() != 640 {
		require.True(t, time.Now().Before(deadline))
		f, _ = after(t, s, time.Now(), patience)
	}
	t.Logf("the picture is %dx%d again, reopened %d times for it", f.Image.Cols(), f.Image.Rows(), s.Stats().Reopened-reopened)
}

// At five times the load a camera's frame is no older than two intervals and
// the service time: the slot holds the newest.
func TestRTSP_Overload_FrameIsFresh(t *testing.T) {
	rtsptest.NeedFFmpeg(t)
	r := rtsptest.Start(t, "")
	publish(t, r, vga)
	s := open(t, r.URL(), ingest.Options{OpenTimeout: patience})
	after(t, s, time.Now(), patience)

	const interval = 40 * time.Millisecond
	var ages []time.Duration
	for range 20 {
		arrived := s.Stats().Frames
		require.Eventually(t, func() bool { return s.Stats().Frames >= arrived+5 }, 5*time.Second, time.Millisecond)
		var f ingest.Frame
		require.NoError(t, s.Next(context.Background(), &f))
		_, drawn, ok := ingest.ReadClock(&f.Image)
		require.True(t, ok)
		require.GreaterOrEqual(t, f.Dropped, int64(3))
		require.False(t, f.GrabbedAt.Before(drawn), "a frame cannot arrive before it is drawn")
		ages = append(ages, time.Since(drawn))
	}
	slices.Sort(ages)
	t.Logf("age of the picture, from drawing to delivery: median %v, greatest %v (an interval is %v)", ages[len(ages)/2], ages[len(ages)-1], interval)
	// A slow machine does not decide this: it holds unless something
	// queues, and a queue grows without bound.
	require.Less(t, ages[len(ages)/2], 25*interval)
}

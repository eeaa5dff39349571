package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/usage"
)

// numbered is a picture that carries a number in black and white blocks, so
// that a test knows which frame it was given.
func numbered(n int, size image.Point) []byte {
	img := image.NewGray(image.Rectangle{Max: size})
	w := size.X / 16
	for bit := range 16 {
		if n>>bit&1 == 0 {
			continue
		}
		for y := range size.Y {
			for x := bit * w; x < (bit+1)*w; x++ {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func numberOf(m *gocv.Mat) int {
	n, w := 0, m.Cols()/16
	for bit := range 16 {
		if m.GetUCharAt(m.Rows()/2, 3*(bit*w+w/2)) > 127 {
			n |= 1 << bit
		}
	}
	return n
}

// camera is an MJPEG camera over HTTP whose faults are a test's to choose.
type camera struct {
	addr   string
	stop   func()
	next   atomic.Int64 // number of the frame sent last
	hang   atomic.Bool  // the socket stays open, nothing comes
	width  atomic.Int64
	opened atomic.Int64
}

// start serves on addr ("" for any), one frame each interval.
func (c *camera) start(t *testing.T, addr string, interval time.Duration) {
	t.Helper()
	if addr == "" {
		addr = testenv.FreeAddr(t)
		c.width.Store(160)
	}
	var ln net.Listener
	require.Eventually(t, func() (ok bool) {
		l, err := net.Listen("tcp", addr)
		ln = l
		return err == nil
	}, patience, 10*time.Millisecond)
	c.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.opened.Add(1)
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=next")
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				panic(http.ErrAbortHandler)
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
			if c.hang.Load() {
				continue
			}
			b := numbered(int(c.next.Add(1)), image.Pt(int(c.width.Load()), 64))
			fmt.Fprintf(w, "--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(b), b)
			w.(http.Flusher).Flush()
		}
	})}
	var wg sync.WaitGroup
	wg.Go(func() { s.Serve(ln) }) //nolint:errcheck // ends with Close
	c.stop = sync.OnceFunc(func() {
		cancel()
		s.Close()
		wg.Wait()
	})
	t.Cleanup(func() { c.stop() })
}

func (c *camera) url() string { return "http://user:s3cret@" + c.addr + "/video" }

// next waits for a frame, at most limit.
func next(t *testing.T, s ingest.Source, limit time.Duration) ingest.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var f ingest.Frame
	require.NoError(t, s.Next(ctx, &f))
	return f
}

func TestLive_SlowConsumer_NewestFrameRestCounted(t *testing.T) {
	var c camera
	c.start(t, "", 10*time.Millisecond)
	s := open(t, c.url(), ingest.Options{})
	require.Equal(t, event.SourceStream, s.Info().Kind)
	require.NotContains(t, s.Info().Source, "s3cret")

	last := next(t, s, patience)
	lastNumber := numberOf(&last.Image)
	for range 5 {
		// A slow consumer: wait until ten more have arrived.
		arrived := s.Stats().Frames
		require.Eventually(t, func() bool { return s.Stats().Frames >= arrived+10 }, patience, time.Millisecond)
		f := next(t, s, patience)
		number := numberOf(&f.Image)
		require.GreaterOrEqual(t, f.Dropped, int64(9))
		require.Equal(t, f.Dropped, f.Seq-last.Seq-1, "each frame is delivered or counted")
		require.EqualValues(t, f.Seq-last.Seq, number-lastNumber, "the camera agrees")
		require.Greater(t, f.PTS, last.PTS)
		require.False(t, f.DecodedAt.Before(f.GrabbedAt))
		last, lastNumber = f, number
	}
	require.Positive(t, s.Stats().FPS)
	require.Zero(t, s.Stats().Reopened)
}

func TestLatest_FrameHadToWait_Replaced(t *testing.T) {
	var c camera
	c.start(t, "", 10*time.Millisecond)
	s := open(t, c.url(), ingest.Options{})
	f := next(t, s, patience)
	for range 3 {
		old, arrived := f, s.Stats().Frames
		require.Eventually(t, func() bool { return s.Stats().Frames >= arrived+4 }, patience, time.Millisecond)
		ingest.Latest(s, &f)
		require.Greater(t, f.Seq, old.Seq)
		require.Equal(t, f.Seq-old.Seq+old.Dropped, f.Dropped, "the one replaced was not looked at: it counts too")
		require.Greater(t, numberOf(&f.Image), 0)
		last := f
		f = next(t, s, patience)
		require.Equal(t, f.Seq-last.Seq-1, f.Dropped)
	}
	file := open(t, "test://people?frames=2", ingest.Options{Pace: ingest.Fast})
	f = next(t, file, patience)
	ingest.Latest(file, &f)
	require.Zero(t, f.Seq)
}

func TestLive_MaxFPS_FramesInBetweenSkipped(t *testing.T) {
	var c camera
	c.start(t, "", 5*time.Millisecond)
	s := open(t, c.url(), ingest.Options{MaxFPS: 20})
	last := next(t, s, patience)
	started, skipped := time.Now(), last.Skipped
	for range 5 {
		f := next(t, s, patience)
		require.Equal(t, f.Seq-last.Seq-1, f.Dropped+f.Skipped, "each frame is delivered or counted")
		skipped += f.Skipped
		last = f
	}
	require.GreaterOrEqual(t, time.Since(started), 200*time.Millisecond) // five intervals less the jitter of one
	require.Positive(t, skipped)
	require.GreaterOrEqual(t, s.Stats().Skipped, skipped)
}

func TestLive_CameraGone_OpenedAgain(t *testing.T) {
	var c camera
	c.start(t, "", 10*time.Millisecond)
	s := open(t, c.url(), ingest.Options{})
	before := next(t, s, patience)
	c.stop()
	at := c.next.Load()
	require.Eventually(t, func() bool { return s.Stats().Silent > 300*time.Millisecond }, patience, 10*time.Millisecond)
	c.start(t, c.addr, 10*time.Millisecond)
	f := newer(t, s, at)
	require.Greater(t, f.Seq, before.Seq)
	require.EqualValues(t, 1, s.Stats().Reopened)
}

// newer waits for a frame with a number above at. A frame from
// before may be delivered until the loss is noticed, none after it.
func newer(t *testing.T, s ingest.Source, at int64) ingest.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		var f ingest.Frame
		require.NoError(t, s.Next(ctx, &f))
		if int64(numberOf(&f.Image)) > at {
			return f
		}
		require.Zero(t, s.Stats().Reopened, "a frame from before the break was served after it")
	}
}

func TestLive_SilentOnOpenSocket_OpenedAgain(t *testing.T) {
	var c camera
	c.start(t, "", 10*time.Millisecond)
	s := open(t, c.url(), ingest.Options{ReadTimeout: 500 * time.Millisecond})
	next(t, s, patience)
	c.hang.Store(true)
	opened := c.opened.Load()
	require.Eventually(t, func() bool { return c.opened.Load() > opened }, patience, 10*time.Millisecond)
	at := c.next.Load()
	c.hang.Store(false)
	newer(t, s, at)
}

func TestLive_ResolutionChanges_GoesOn(t *testing.T) {
	var c camera
	c.start(t, "", 10*time.Millisecond)
	s := open(t, c.url(), ingest.Options{})
	f := next(t, s, patience)
	require.Equal(t, 160, f.Image.Cols())
	c.width.Store(320)
	require.Eventually(t, func() bool {
		f := next(t, s, patience)
		return f.Image.Cols() == 320 && numberOf(&f.Image) > 0
	}, patience, time.Millisecond)
}

func TestLive_RecordingFromServer_PlayedAtItsPaceAndEnds(t *testing.T) {
	path := clip(t) // 25 frames in a second
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }))
	t.Cleanup(s.Close)
	src := open(t, s.URL+"/clip.mp4", ingest.Options{})
	started := time.Now()
	var seen, dropped int64
	for {
		var f ingest.Frame
		err := src.Next(context.Background(), &f)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		seen++
		dropped += f.Dropped
	}
	require.Equal(t, src.Stats().Frames, seen+dropped)
	require.EqualValues(t, 25, src.Stats().Frames)
	require.GreaterOrEqual(t, time.Since(started), 900*time.Millisecond)
	require.Zero(t, src.Stats().Reopened)
}

func TestLive_Failures_NoCredentialsLogged(t *testing.T) {
	var c camera
	c.start(t, "", 10*time.Millisecond)
	var log lockedBuffer
	s := open(t, c.url(), ingest.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	next(t, s, patience)
	c.stop()
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "does not open") }, patience, 10*time.Millisecond)
	require.NotContains(t, log.String(), "s3cret")
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestOpen_MissingLiveSource_UsageError(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	gone := testenv.FreeAddr(t)
	dir := t.TempDir()
	for _, c := range []struct{ uri, says string }{
		{"63", "no such camera"},
		{"/dev/video63", "no such camera"},
		{"/dev/videoX", "not a camera"},
		{dir, "directory without pictures"},
		{"rtsp://u:s3cret@" + gone + "/main", "does not open within"},
		{"http://u:s3cret@" + silent.Addr().String() + "/main", "does not open within"},
	} {
		started := time.Now()
		_, err := ingest.Open(context.Background(), ingest.Spec{ID: "porch", URI: c.uri}, ingest.Options{OpenTimeout: 500 * time.Millisecond})
		require.Truef(t, usage.Is(err), "%s: %v", c.uri, err)
		require.Contains(t, err.Error(), c.says)
		require.NotContains(t, err.Error(), "s3cret")
		require.NotContains(t, err.Error(), "\n")
		require.Less(t, time.Since(started), patience)
	}
}

func TestOpen_ContextEnds_Stops(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = ingest.Open(ctx, ingest.Spec{ID: "porch", URI: "http://" + silent.Addr().String()}, ingest.Options{OpenTimeout: 2 * time.Second})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

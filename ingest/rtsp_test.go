package ingest_test

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// rtspServer is an RTSP server over TCP that hands a publisher's packets to
// its readers, and has the faults of a camera.
type rtspServer struct {
	addr   string
	server *gortsplib.Server
	silent atomic.Bool // sockets stay open, nothing is sent
	keep   atomic.Bool // a new publisher feeds the readers of the one before
	plays  atomic.Int64

	mu     sync.Mutex // guards the following
	stream *gortsplib.ServerStream
	by     *gortsplib.ServerSession
}

func startRTSP(t *testing.T, addr string) *rtspServer {
	t.Helper()
	r := &rtspServer{addr: addr}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	r.server = &gortsplib.Server{Handler: r, RTSPAddress: addr}
	require.Eventually(t, func() bool { return r.server.Start() == nil }, 5*time.Second, 10*time.Millisecond)
	r.addr = r.server.NetListener().Addr().String()
	t.Cleanup(r.close)
	return r
}

func (r *rtspServer) close() {
	r.server.Close()
	r.server.Wait() //nolint:errcheck // says that it was closed
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil {
		r.stream.Close()
		r.stream = nil
	}
}

func (r *rtspServer) url() string { return "rtsp://user:s3cret@" + r.addr + "/cam" }

func ok() *base.Response { return &base.Response{StatusCode: base.StatusOK} }

func (r *rtspServer) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Session == r.by && !r.keep.Load() {
		r.stream.Close()
		r.stream, r.by = nil, nil
	}
}

func (r *rtspServer) current() (*base.Response, *gortsplib.ServerStream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return ok(), r.stream, nil
}

func (r *rtspServer) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return r.current()
}

func (r *rtspServer) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream == nil {
		r.stream = &gortsplib.ServerStream{Server: r.server, Desc: ctx.Description}
		if err := r.stream.Initialize(); err != nil {
			return nil, err
		}
	}
	r.by = ctx.Session
	return ok(), nil
}

func (r *rtspServer) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return ok(), nil, nil
	}
	return r.current()
}

func (r *rtspServer) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	r.plays.Add(1)
	return ok(), nil
}

func (r *rtspServer) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	ctx.Session.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.stream != nil && r.by == ctx.Session && !r.silent.Load() {
			r.stream.WritePacketRTP(r.stream.Desc.Medias[0], p) //nolint:errcheck // a reader that went
		}
	})
	return ok(), nil
}

// publish lets ffmpeg encode the test source, clock and all, as H.264 and
// send it to the server until stop is called or the server is gone.
func publish(t *testing.T, r *rtspServer, size string) (stop func()) {
	t.Helper()
	const fps = 25
	s, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: fmt.Sprintf("test://people?size=%s&fps=%d", size, fps)}, ingest.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", size, "-r", fmt.Sprint(fps), "-i", "-",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "12", "-x264-params", "repeat-headers=1",
		"-f", "rtsp", "-rtsp_transport", "tcp", r.url())
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer in.Close()
		var f ingest.Frame
		for s.Next(ctx, &f) == nil {
			if _, err := in.Write(f.Image.ToBytes()); err != nil {
				return // ffmpeg has ended
			}
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		cmd.Wait() //nolint:errcheck // it was killed
		wg.Wait()
		s.Close()
	})
	t.Cleanup(stop)
	return stop
}

func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		testenv.Skip(t, "ffmpeg is not installed")
	}
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

// patience ends a test that hangs. How long it takes to come back, 5 s at the
// most on a machine that is not busy, is logged.
const patience = 30 * time.Second

func TestRTSPComesBackFromEveryFault(t *testing.T) {
	needFFmpeg(t)
	r := startRTSP(t, "")
	stop := publish(t, r, "640x480")
	s := open(t, r.url(), ingest.Options{OpenTimeout: patience})
	require.Equal(t, "rtsp://"+r.addr+"/cam", s.Info().Source)
	first := time.Now()
	f, _ := after(t, s, first, patience)
	require.Equal(t, 640, f.Image.Cols())

	// Killed, its socket closed, and started again.
	r.close()
	stop()
	killed := time.Now()
	r = startRTSP(t, r.addr)
	stop = publish(t, r, "640x480")
	_, took := after(t, s, killed, patience)
	t.Logf("back %.2f s after a kill", took.Seconds())

	// Silent on an open socket, for longer than the watchdog waits; measured
	// from when it sends again.
	r.silent.Store(true)
	plays := r.plays.Load()
	require.Eventually(t, func() bool { return s.Stats().Silent > 2100*time.Millisecond || r.plays.Load() > plays }, patience, 10*time.Millisecond)
	talks := time.Now()
	r.silent.Store(false)
	_, took = after(t, s, talks, patience)
	t.Logf("back %.2f s after a silence", took.Seconds())

	// Another publisher with another resolution; readers are disconnected.
	stop()
	changed := time.Now()
	stop = publish(t, r, "960x540")
	f, took = after(t, s, changed, patience)
	require.Equal(t, 960, f.Image.Cols())
	t.Logf("back %.2f s after a change of resolution", took.Seconds())

	// The same in the middle of the session: readers notice nothing but a new
	// sequence header.
	r.keep.Store(true)
	stop()
	reopened := s.Stats().Reopened
	publish(t, r, "640x480")
	deadline := time.Now().Add(patience)
	for f.Image.Cols() != 640 {
		require.True(t, time.Now().Before(deadline))
		f, _ = after(t, s, time.Now(), patience)
	}
	t.Logf("the picture is %dx%d again, reopened %d times for it", f.Image.Cols(), f.Image.Rows(), s.Stats().Reopened-reopened)
}

// At five times the load a camera's frame is no older than two intervals and
// the service time: the slot holds the newest.
func TestRTSPFrameIsFreshUnderOverload(t *testing.T) {
	needFFmpeg(t)
	r := startRTSP(t, "")
	publish(t, r, "640x480")
	s := open(t, r.url(), ingest.Options{OpenTimeout: patience})
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

package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

// liveHub is a hub and those who connect to it; nil if nobody can.
type liveHub struct {
	*hub
	listener net.Listener // nil: none
	conn     net.Conn     // to the supervisor; nil: none
	token    string
}

// openHub returns nil if the job has no live pictures. An address that cannot be used is a *usage.Error.
func openHub(job pipeline.Job, cameras []cameraSettings, log *slog.Logger) (*liveHub, error) {
	if !job.LiveFD && job.Live == "" {
		return nil, nil
	}
	ids := make([]string, len(cameras))
	for i, c := range cameras {
		ids[i] = c.spec.ID
	}
	h := &liveHub{hub: newHub(ids, log), token: job.LiveToken}
	if job.LiveFD {
		f := os.NewFile(pipeline.LiveFD, "live")
		conn, err := net.FileConn(f)
		if err != nil {
			return nil, fmt.Errorf("descriptor %d is no connection for live pictures: %w", pipeline.LiveFD, err)
		}
		f.Close()
		h.conn = conn
	}
	if job.Live != "" {
		var err error
		if h.listener, err = listenLive(job.Live, job.LiveToken); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// listenLive listens on HOST:PORT or at the path of a Unix socket, which only its owner can use.
func listenLive(addr, token string) (net.Listener, error) {
	if strings.Contains(addr, "/") {
		if info, err := os.Lstat(addr); err == nil && info.Mode().Type() == os.ModeSocket {
			_ = os.Remove(addr) // of a detect that was killed
		}
		l, err := net.Listen("unix", addr)
		if err != nil {
			return nil, usage.Wrap(err, "give a path in a directory that exists", "--live %s: %v", addr, err)
		}
		return l, os.Chmod(addr, 0o600)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usage.Wrap(err, "give HOST:PORT, or the path of a socket", "--live %s: %v", addr, err)
	}
	if ip := net.ParseIP(host); token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usage.New("give --live-token, better as SIGHTLOG_LIVE_TOKEN", "--live %s can be reached by others", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, usage.Wrap(err, "give HOST:PORT of this machine that is free", "--live %s: %v", addr, err)
	}
	return l, nil
}

// camera returns the camera to which its frames are shown, nil without a hub.
func (h *liveHub) camera(id string) *liveCamera {
	if h == nil {
		return nil
	}
	return h.cameras[id]
}

// serve begins to serve and returns the function that ends it and waits.
func (h *liveHub) serve(ctx context.Context, loops []*cameraLoop) (stop func()) {
	if h == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { h.run(ctx) })
	all.Go(func() { h.reportStates(ctx, loops) })
	if h.conn != nil {
		all.Go(func() { h.serveConn(ctx, h.conn) })
	}
	if h.listener != nil {
		context.AfterFunc(ctx, func() { h.listener.Close() })
		all.Go(func() {
			for {
				conn, err := h.listener.Accept()
				if err != nil {
					return // closed: one of loopback does not fail otherwise
				}
				all.Go(func() { h.serveConn(ctx, conn) })
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func (h *liveHub) serveConn(ctx context.Context, conn net.Conn) {
	err := live.ServeConn(ctx, conn, &h.feed, h.token)
	if err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF) {
		h.log.Info("a connection for live pictures has ended", "from", conn.RemoteAddr().String(), "err", err)
	}
}

// Of the states that are shown.
const (
	statesEvery = time.Second
	silentAfter = 5 * time.Second // a live source without a frame for so long is in trouble
)

// reportStates sets the states of the cameras while somebody looks.
func (h *liveHub) reportStates(ctx context.Context, loops []*cameraLoop) {
	tick := time.NewTicker(statesEvery)
	defer tick.Stop()
	rates := make([]rate, len(loops))
	for {
		if h.feed.Watched() {
			states := make([]live.Camera, len(loops))
			for i, c := range loops {
				states[i] = c.liveState(&rates[i], time.Now())
			}
			h.feed.States(states)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// rate is the frames a second since a moment before.
type rate struct {
	frames int64
	at     time.Time
	fps    float64
}

// update returns the rate over a second at least.
func (r *rate) update(frames int64, now time.Time) float64 {
	passed := now.Sub(r.at)
	if r.at.IsZero() || passed > 10*statesEvery {
		*r = rate{frames: frames, at: now}
	} else if passed >= statesEvery/2 {
		*r = rate{frames: frames, at: now, fps: float64(frames-r.frames) / passed.Seconds()}
	}
	return r.fps
}

func (c *cameraLoop) liveState(r *rate, now time.Time) live.Camera {
	s := c.status()
	l := live.Camera{
		ID: s.ID, State: string(s.State), Live: s.Live, FPS: r.update(s.Frames, now), People: s.People, Newest: s.Newest,
		Problem: cmp.Or(s.Waiting, s.Damage, c.silent()),
	}
	if p := c.viewers.privacy(); p != string(preview.PrivacyOff) {
		l.Privacy = p
	}
	return l
}

// silent reports in words that a live source shows nothing.
func (c *cameraLoop) silent() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source == nil || !c.state.Live || c.state.State != pipeline.Running {
		return ""
	}
	if silent := c.source.Stats().Silent; silent >= silentAfter {
		return fmt.Sprintf("no picture for %s, it is opened again", silent.Round(time.Second))
	}
	return ""
}

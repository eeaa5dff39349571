package detect

import (
	"context"
	"fmt"
	"image"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/preview"
)

// liveQuality is that of the JPEGs: of a moving picture, whose frames are seen for a moment.
const liveQuality = 75

// hub hands frames to those who look (package live). While nobody does, a frame costs one atomic load.
// Else it copies a frame whose turn it is, and the hub's goroutine, which delays no camera,
// hides people, scales and encodes it: of each camera the newest, once for each width that is asked for.
type hub struct {
	feed    live.Feed
	cameras map[string]*liveCamera // not changed after newHub
	wake    chan struct{}          // capacity 1: a camera has a frame; never closed; a second token is not needed
	log     *slog.Logger
}

// liveCamera is one camera of a hub.
type liveCamera struct {
	hub *hub
	id  string
	due atomic.Int64 // Unix time in ns at which the next frame is wanted; math.MaxInt64: none is

	mu      sync.Mutex // guards the following
	want    live.Want
	pace    live.Pace
	pending *liveFrame // the newest frame, if it is not encoded yet
	spare   *liveFrame // its picture is used again
	failed  string     // the last error, so that it is logged once
	hides   string     // Privacy of the camera
}

// liveFrame is a copy of a frame.
type liveFrame struct {
	image   gocv.Mat
	veil    *preview.Veil
	picture live.Picture // without width and JPEG
}

func newHub(cameras []string, log *slog.Logger) *hub {
	h := &hub{cameras: make(map[string]*liveCamera), wake: make(chan struct{}, 1), log: log}
	for _, id := range cameras {
		c := &liveCamera{hub: h, id: id, hides: string(preview.PrivacyOff)}
		c.due.Store(math.MaxInt64)
		h.cameras[id] = c
	}
	h.feed.Changed = h.changed
	return h
}

// changed takes over what is asked for.
func (h *hub) changed(wants live.Wants) {
	for id, c := range h.cameras {
		c.mu.Lock()
		c.want = wants[id]
		c.pace.Set(c.want.FPS)
		if len(c.want.Widths) == 0 {
			c.due.Store(math.MaxInt64)
			c.free()
		} else {
			c.due.Store(0)
		}
		c.mu.Unlock()
	}
}

// free gives the memory of the pictures back. The caller holds mu.
func (c *liveCamera) free() {
	for _, f := range []*liveFrame{c.pending, c.spare} {
		if f != nil {
			f.image.Close()
		}
	}
	c.pending, c.spare = nil, nil
}

// show offers a frame and its sighting. The nil camera has no viewers.
func (c *liveCamera) show(f *ingest.Frame, veil *preview.Veil, s *event.Sighting) {
	if c == nil {
		return
	}
	if due := c.due.Load(); due == math.MaxInt64 || due > time.Now().UnixNano() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.want.Widths) == 0 || c.pace.Left(now) > 0 {
		return
	}
	c.pace.Took(now)
	c.due.Store(now.Add(c.pace.Left(now)).UnixNano())
	frame := c.pending // one that is not encoded yet is replaced
	if frame == nil {
		frame, c.spare = c.spare, nil
	}
	if frame == nil {
		frame = &liveFrame{image: gocv.NewMat()}
	}
	if err := f.Image.CopyTo(&frame.image); err != nil {
		c.report(c.hub.log, err)
		c.spare = frame
		return
	}
	frame.veil = veil
	frame.picture = live.Picture{
		Camera: s.Camera, Run: s.Run, Seq: s.Seq, CapturedAt: s.CapturedAt, Frame: s.Frame, Objects: s.Objects, Recorded: !s.SourceKind.Live(),
	}
	c.pending = frame
	select {
	case c.hub.wake <- struct{}{}:
	default:
	}
}

// setPrivacy says what the camera's pictures hide from now on.
func (c *liveCamera) setPrivacy(mode string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hides = mode
}

func (c *liveCamera) privacy() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hides
}

// run encodes until ctx ends.
func (h *hub) run(ctx context.Context) {
	defer func() {
		for _, c := range h.cameras {
			c.mu.Lock()
			c.due.Store(math.MaxInt64)
			c.want = live.Want{}
			c.free()
			c.mu.Unlock()
		}
	}()
	scaled := gocv.NewMat()
	defer scaled.Close()
	for {
		select {
		case <-h.wake:
		case <-ctx.Done():
			return
		}
		for _, c := range h.cameras {
			h.encode(c, &scaled)
		}
	}
}

// encode publishes the camera's pending frame.
func (h *hub) encode(c *liveCamera, scaled *gocv.Mat) {
	c.mu.Lock()
	frame, widths := c.pending, c.want.Widths
	c.pending = nil
	c.mu.Unlock()
	if frame == nil {
		return
	}
	for _, width := range widths {
		p := frame.picture
		p.Width = width
		jpeg, err := frame.jpeg(width, scaled)
		if err != nil {
			p.Hidden = "the picture cannot be shown: " + err.Error()
		}
		p.JPEG = jpeg
		c.mu.Lock()
		c.report(h.log, err)
		c.mu.Unlock()
		h.feed.Publish(&p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spare == nil && len(c.want.Widths) > 0 {
		c.spare = frame
		return
	}
	frame.image.Close()
}

// report logs an error that is not the one before. The caller holds mu.
func (c *liveCamera) report(log *slog.Logger, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != c.failed && text != "" {
		log.Warn("no live picture", "camera", c.id, "err", err)
	}
	c.failed = text
}

// jpeg returns the frame at most so wide, without the people that are hidden. After an error there
// is no picture: what cannot be hidden is not shown.
func (f *liveFrame) jpeg(width int, scaled *gocv.Mat) ([]byte, error) {
	size := image.Pt(f.image.Cols(), f.image.Rows())
	if size.X > width {
		size = image.Pt(width, max(1, int(math.Round(float64(size.Y)*float64(width)/float64(size.X)))))
	}
	// Scaled even to its own size, so that a frame that is encoded in two widths is veiled for each.
	method := gocv.InterpolationLinear
	if 2*size.X <= f.image.Cols() {
		method = gocv.InterpolationArea
	}
	if err := gocv.Resize(f.image, scaled, size, 0, 0, method); err != nil {
		return nil, fmt.Errorf("scale the picture: %w", err)
	}
	if err := f.veil.Blur(scaled); err != nil {
		return nil, err
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, *scaled, []int{gocv.IMWriteJpegQuality, liveQuality})
	if err != nil {
		return nil, fmt.Errorf("encode the picture: %w", err)
	}
	defer b.Close()
	return append([]byte(nil), b.GetBytes()...), nil
}

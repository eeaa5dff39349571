package detect

import (
	"context"
	"image"
	"log/slog"
	"math"
	"runtime"

	"golang.org/x/sync/semaphore"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/usage"
)

// pool is one loaded model that all cameras share: its weights are in memory
// once, a semaphore lets as many detect at a time as there are processors for, and
// the camera that waits longest is the next. Each camera has an eye, the tensors and tables
// for its own size of picture, so that nothing is fitted anew from turn to turn.
type pool struct {
	model event.Model
	score float32 // objects below it are reported only where a track expects them

	session *onnx.Session
	opts    detector.Options
	turns   *semaphore.Weighted // one unit a detection at a time, first come, first served
}

// openPool opens the model. A single camera gets all threads for a frame;
// several get one thread each, as many at a time as there are threads, which
// wastes least.
func openPool(c config.Detect, cameras int, log *slog.Logger) (*pool, error) {
	if c.Score < 0 || c.Score > 1 {
		return nil, usage.New("give a number from 0 to 1", "--score %v", c.Score)
	}
	side, err := InputSide(c.Side)
	if err != nil {
		return nil, err
	}
	threads, err := threadsOf(c)
	if err != nil {
		return nil, err
	}
	n := min(threads, cameras)

	found, err := models.Lookup(c.Model, models.Options{Unverified: c.Unverified})
	if err != nil {
		return nil, err
	}
	s, err := OpenModel(found, onnx.Options{Name: found.Name, Threads: max(1, threads/n), Log: log})
	if err != nil {
		return nil, err
	}
	p := &pool{score: c.Score, session: s, turns: semaphore.NewWeighted(int64(n))}
	if p.score == 0 {
		p.score = s.Spec().Score
	}
	p.opts = detector.Options{Classes: c.Classes, Score: threshold(c, p.score), Input: side, Log: log}
	d, err := detector.New(s, p.opts)
	if err != nil {
		s.Close()
		return nil, err
	}
	p.model = d.Model()
	return p, nil
}

// threadsOf is how many threads look: as asked, or as many as the machine and
// the quota of the control group allow.
func threadsOf(c config.Detect) (int, error) {
	switch {
	case c.Threads < 0:
		return 0, usage.New("give 1 or more", "--threads %d", c.Threads)
	case c.Threads > 0:
		return c.Threads, nil
	}
	return runtime.GOMAXPROCS(0), nil // Go reads the quota
}

// InputSide is the input that --side asks for: 0 leaves it to the model.
func InputSide(side int) (image.Point, error) {
	if side < 0 || side > 4096 {
		return image.Point{}, usage.New("give pixels up to 4096", "--side %d", side)
	}
	return image.Pt(side, 0), nil
}

// threshold is that of the detector: the tracker wants the weak objects, too.
func threshold(c config.Detect, score float32) float32 {
	if c.Track == "off" {
		return score
	}
	return min(score, track.Low)
}

// OpenModel loads a model that was looked up.
func OpenModel(m models.Model, opts onnx.Options) (*onnx.Session, error) {
	if m.Path == "" {
		return onnx.OpenBytes(m.Data, opts)
	}
	return onnx.Open(m.Path, opts)
}

// close closes the model when the last eye is closed, too.
func (p *pool) close() error { return p.session.Close() }

// eye looks at the frames of one camera. It belongs to one goroutine.
type eye struct {
	pool    *pool
	session *onnx.Session
	region  []float64 // left, top, right, bottom in parts of the frame; nil: all of it

	detector *detector.Detector // for frames of size
	size     image.Point
	objects  []event.Object
}

// eye returns an eye that looks at a region of the frame.
func (p *pool) eye(region []float64) *eye {
	return &eye{pool: p, session: p.session.Share(), region: region}
}

func (e *eye) close() error { return e.session.Close() }

// look waits for its turn, takes the source's newest frame instead of f if
// there is one by then, and looks at it. The objects are valid until the next
// call.
func (e *eye) look(ctx context.Context, src ingest.Source, f *ingest.Frame) ([]event.Object, event.Model, error) {
	if err := e.pool.turns.Acquire(ctx, 1); err != nil {
		return nil, event.Model{}, err
	}
	defer e.pool.turns.Release(1)
	ingest.Latest(src, f)
	if size := f.Size(); e.detector == nil || e.region != nil && size != e.size {
		opts := e.pool.opts
		opts.Region = pixels(e.region, size)
		d, err := detector.New(e.session, opts)
		if err != nil {
			return nil, event.Model{}, err
		}
		e.detector, e.size = d, size
	}
	var err error
	e.objects, err = e.detector.Detect(f, e.objects)
	return e.objects, e.detector.Model(), err
}

// pixels is the region in a frame of this size.
func pixels(region []float64, size image.Point) image.Rectangle {
	if region == nil {
		return image.Rectangle{}
	}
	down := func(part float64, of int) int { return int(math.Floor(part * float64(of))) }
	up := func(part float64, of int) int { return int(math.Ceil(part * float64(of))) }
	return image.Rect(down(region[0], size.X), down(region[1], size.Y), up(region[2], size.X), up(region[3], size.Y))
}

// area is the part of a frame that is looked at.
func area(region []float64, size image.Point) image.Rectangle {
	if region == nil {
		return image.Rectangle{Max: size}
	}
	return pixels(region, size)
}

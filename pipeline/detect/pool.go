package detect

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"math"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

// pool is the model shared by all cameras. Its weights are in memory once. A FIFO
// semaphore limits how many detections run at a time. Each camera has its own
// session and detector, whose tensors fit its frame size, so that alternating
// between cameras allocates nothing.
type pool struct {
	model      event.Model
	thresholds Thresholds

	session *onnx.Session
	opts    detector.Options
	turns   *semaphore.Weighted // one unit a detection, first come, first served
}

// openPool opens the model. A single camera gets all threads for a frame;
// several get one thread each, as many at a time as there are threads, which
// wastes least.
func openPool(s *settings, log *slog.Logger) (*pool, error) {
	n := min(s.threads, len(s.cameras))
	m, err := OpenModel(s.model, onnx.Options{Name: s.model.Name, Threads: max(1, s.threads/n)})
	if err != nil {
		return nil, err
	}
	p := &pool{
		session: m, turns: semaphore.NewWeighted(int64(n)),
		thresholds: s.thresholds(m.Spec().Score), opts: s.detectorOptions(m.Spec(), log),
	}
	d, err := detector.New(m, p.opts)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	p.model = d.Model()
	return p, nil
}

// close closes the model when the last camera's detector is closed, too.
func (p *pool) close() error { return p.session.Close() }

// cameraDetector is one camera's detector state. It belongs to one goroutine.
type cameraDetector struct {
	pool    *pool
	session *onnx.Session
	region  []float64 // left, top, right, bottom in parts of the frame; nil: all of it

	detector *detector.Detector // for frames of size
	size     image.Point
	objects  []event.Object // the last frame's; used again for the next
}

// camera returns the detector of a camera, for a region of its frames.
func (p *pool) camera(region []float64) *cameraDetector {
	return &cameraDetector{pool: p, session: p.session.Share(), region: region}
}

// setRegion changes the region, from the next frame on.
func (d *cameraDetector) setRegion(region []float64) { d.region, d.detector = region, nil }

func (d *cameraDetector) close() error { return d.session.Close() }

// detection is what the model returned for one frame.
type detection struct {
	objects []event.Object // valid until the next call of detect
	model   event.Model
	took    time.Duration // without the wait for a turn
}

// detect waits for its turn, takes the source's newest frame instead of f if it
// has one by then, and runs the model on it.
func (d *cameraDetector) detect(ctx context.Context, src ingest.Source, f *ingest.Frame) (detection, error) {
	if err := d.pool.turns.Acquire(ctx, 1); err != nil {
		return detection{}, err
	}
	defer d.pool.turns.Release(1)
	ingest.Latest(src, f)
	began := time.Now()
	if size := f.Size(); d.detector == nil || d.region != nil && size != d.size {
		opts := d.pool.opts
		opts.Region = pixels(d.region, size)
		det, err := detector.New(d.session, opts)
		if err != nil {
			return detection{}, err
		}
		d.detector, d.size = det, size
	}
	var err error
	d.objects, err = d.detector.Detect(f, d.objects)
	return detection{objects: d.objects, model: d.detector.Model(), took: time.Since(began)}, err
}

// modelFor describes the model as it is used for frames of this size; 0, 0: not known.
func (d *cameraDetector) modelFor(size image.Point) event.Model {
	m := d.pool.model
	if size.X > 0 && size.Y > 0 {
		input := detector.InputFor(d.session.Spec(), d.pool.opts.Input, area(d.region, size).Size())
		m.Input = [2]int{input.X, input.Y}
	}
	return m
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

// area is the part of a frame on which the detector runs.
func area(region []float64, size image.Point) image.Rectangle {
	if region == nil {
		return image.Rectangle{Max: size}
	}
	return pixels(region, size)
}

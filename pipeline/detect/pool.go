package detect

import (
	"context"
	"errors"
	"log/slog"
	"runtime"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/usage"
)

// pool is a fixed set of detectors that the cameras share. A camera that waits
// longest gets the next one that is free: channels serve in order.
type pool struct {
	model event.Model
	score float32                 // objects below it are reported only where a track expects them
	free  chan *detector.Detector // capacity: all of them; never closed
	all   []detector.Model
}

// openPool opens the model once for one camera, with all threads; for more
// cameras once a core with one thread each, which wastes least.
func openPool(c config.Detect, cameras int, log *slog.Logger) (_ *pool, err error) {
	if c.Score < 0 || c.Score > 1 {
		return nil, usage.New("give a number from 0 to 1", "--score %v", c.Score)
	}
	threads := c.Threads
	if threads < 0 {
		return nil, usage.New("give 1 or more", "--threads %d", threads)
	}
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	n := min(threads, cameras)

	found, err := models.Lookup(c.Model, models.Options{Unverified: c.Unverified})
	if err != nil {
		return nil, err
	}
	p := &pool{free: make(chan *detector.Detector, n)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	for range n {
		m, err := OpenModel(found, onnx.Options{Name: found.Name, Threads: max(1, threads/n), Log: log})
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, m)
		if p.score = c.Score; p.score == 0 {
			p.score = m.Spec().Score
		}
		d, err := detector.New(m, detector.Options{Classes: c.Classes, Score: threshold(c, p.score), Log: log})
		if err != nil {
			return nil, err
		}
		p.model = d.Model()
		p.free <- d
	}
	return p, nil
}

// threshold is that of the detector: the tracker wants the weak objects, too.
func threshold(c config.Detect, score float32) float32 {
	if c.Track == "off" {
		return score
	}
	return min(score, track.Low)
}

// OpenModel loads a model that was looked up.
func OpenModel(m models.Model, opts onnx.Options) (detector.Model, error) {
	if m.Path == "" {
		return onnx.OpenBytes(m.Data, opts)
	}
	return onnx.Open(m.Path, opts)
}

// detect looks at a frame with the next free detector. The objects are the
// caller's.
func (p *pool) detect(ctx context.Context, f *ingest.Frame) ([]event.Object, event.Model, error) {
	select {
	case d := <-p.free:
		defer func() { p.free <- d }()
		objects, err := d.Detect(f, nil)
		return objects, d.Model(), err
	case <-ctx.Done():
		return nil, event.Model{}, ctx.Err()
	}
}

// close closes the models. No camera detects any more.
func (p *pool) close() error {
	var errs []error
	for _, m := range p.all {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

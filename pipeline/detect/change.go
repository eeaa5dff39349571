package detect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
)

// errChanged is why a run is over while its source goes on: its camera has other settings.
var errChanged = errors.New("the settings of the camera have changed")

// followChanges hands the settings of later jobs to the cameras until the returned function
// is called. Settings that cannot be used change nothing: the supervisor has checked them.
func followChanges(ctx context.Context, job pipeline.Job, loops []*cameraLoop, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case next := <-job.Changed: // nil blocks
				job.Cameras, job.Settings = next.Cameras, next.Settings
				settings, err := resolve(job)
				if err != nil {
					log.Warn("changed settings cannot be used, the ones before stay", "err", err)
					continue
				}
				for i, c := range loops {
					c.next.Store(&changedSettings{settings.cameras[i], job.Settings})
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// change takes over changed settings before a run is opened.
func (c *cameraLoop) change() {
	next := c.next.Swap(nil)
	if next == nil {
		return
	}
	c.settings = next.cameraSettings
	c.scene = newScene(c.settings, c.scene.tracked, c.scene.reportThreshold)
	c.detector.setRegion(c.settings.Region)
	c.update(func(s *pipeline.CameraStatus) { s.Settings = next.number })
}

// changes reports whether the run has to end for changed settings. It goes on where frames
// are counted alike with both.
func (c *cameraLoop) changes() bool {
	next := c.next.Load()
	if next == nil {
		return false
	}
	if !reflect.DeepEqual(next.shapes, c.settings.shapes) || !slices.Equal(next.Region, c.settings.Region) {
		return true
	}
	if c.next.CompareAndSwap(next, nil) {
		c.update(func(s *pipeline.CameraStatus) { s.Settings = next.number })
	}
	return false
}

// opened shows a run that has been opened.
func (c *cameraLoop) opened(w kafka.Writer, src ingest.Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.state
	if c.writer == nil {
		s.Start, s.Next = c.playing.from(src.Info().FPS), w.Next()
	} else {
		c.before.acked += c.writer.Acked()
		c.before.dropped = s.Dropped
	}
	if c.source != nil && c.source != src {
		stats := c.source.Stats()
		c.before.jumps += stats.Jumps
		c.before.lost += stats.Reopened
	}
	c.writer, c.source = w, src
	s.Rate, s.Run, s.Total, s.State = src.Info().FPS, w.Run().ID, src.Info().Frames, pipeline.Running
}

// resumable reports whether the source is a file whose runs are resumed. Of other sources a
// new run begins with the next frame.
func (c *cameraLoop) resumable(info ingest.Info) bool {
	return !info.Kind.Live() && c.opts.Schedule == nil && info.Fingerprint != ""
}

// endChanged ends a run whose source goes on with other settings. The run of a file is opened
// again at the first frame that the log lacks, which is the next, as all that were sent are
// acknowledged.
func (c *cameraLoop) endChanged(ctx context.Context, w kafka.Writer, end event.Run) error {
	err := errChanged
	if !c.resumable(c.source.Info()) {
		err = cmp.Or(finish(ctx, w, end, c.scene.end()), err)
	} else {
		err = cmp.Or(closeWriter(ctx, w), err)
	}
	if ctx.Err() != nil && errors.Is(err, errChanged) {
		return nil // it was also asked to stop
	}
	return err
}

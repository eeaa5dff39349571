package detect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

// commitInterval is the shortest time between two transactions of a file that
// is played as fast as possible, unless many frames wait: the latency of a single frame does
// not matter, and a transaction costs the broker and the database as much as several frames.
const commitInterval = 250 * time.Millisecond

// run reads an open source to its end, or until ctx ends. It closes the source.
// It returns a *pipeline.DamageError when the source ended with frames missing.
func (c *cameraLoop) run(ctx context.Context, src ingest.Source) (err error) {
	defer func() { src.Close() }()
	for err = errChanged; errors.Is(err, errChanged); {
		c.change()
		src, err = c.readRun(ctx, src)
	}
	return err
}

// readRun reads an open source as one run, and returns the source, which prepare may have
// opened again. The error is errChanged if the run is over because settings have changed,
// and the source goes on.
func (c *cameraLoop) readRun(ctx context.Context, src ingest.Source) (ingest.Source, error) {
	w, err := c.openRun(ctx, src.Info())
	var atEnd *kafka.AtEndError
	if errors.As(err, &atEnd) {
		return src, c.atEnd(atEnd.Run)
	}
	if err != nil {
		return src, err
	}
	if src, err = c.prepare(ctx, src, w); err != nil {
		return src, errors.Join(err, closeWriter(ctx, w))
	}
	if c.opts.Schedule != nil && c.writer == nil {
		run := w.Run()
		c.opts.Schedule.Begin(run.CapturedAt(0).Time)
	}
	c.opened(w, src)

	if src.Info().Kind.Live() && !c.playing.end.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.playing.end)
		defer cancel()
	}
	err = c.frames(ctx, src, w)
	return src, c.end(ctx, src.Info(), w, err)
}

// atEnd takes over the end of a run that had ended before: the job that it
// belongs to was interrupted, and this one continues it.
func (c *cameraLoop) atEnd(run event.Run) error {
	c.log.Info("was read to its end before the job was interrupted", "camera", c.spec.ID, "run", run.ID)
	c.update(func(s *pipeline.CameraStatus) {
		s.Run, s.State, s.AtEnd, s.Damage = run.ID, pipeline.Ended, true, run.Damage
	})
	if run.Outcome == event.OutcomeDamaged {
		return &pipeline.DamageError{What: run.Damage}
	}
	return nil
}

func (c *cameraLoop) openRun(ctx context.Context, info ingest.Info) (kafka.Writer, error) {
	run := event.Run{
		Camera: c.spec.ID, SourceKind: info.Kind, Source: info.Source,
		Fingerprint: info.Fingerprint, Model: c.detector.modelFor(info.Size), Shapes: c.scene.shapes.Shapes(),
	}
	if p := c.scene.config.Privacy; p != string(preview.PrivacyOff) {
		run.Privacy = p
	}
	if len(c.scene.shapes.Lines) > 0 {
		run.Stretches = c.stretches
	}
	if path, err := filepath.Abs(c.spec.URI); err == nil && info.Kind == event.SourceFile && c.spec.URI != ingest.Stdin {
		run.Source = ingest.PathName(path) // it is found again from anywhere
	}
	if c.opts.Schedule != nil {
		run.CapturedFrom = event.At(c.playing.from(info.FPS))
	}
	if info.Kind.Live() || c.opts.Schedule != nil { // what is played stands for a camera, and is not resumed
		return c.live.Open(ctx, run)
	}
	interval := commitInterval // 0: commit as soon as the transaction before is done
	if c.opts.Pace == ingest.AsRecorded {
		interval = 0
	} else if length := recorded(info); length > 0 {
		// It is read faster than it was recorded: counted from the start, its
		// frames would lie in the future.
		run.CapturedFrom = event.At(time.Now().Add(-length))
	}
	if c.writer != nil && !c.resumable(info) { // its frames go on in another run
		before := c.writer.Run()
		run.CapturedFrom = before.CapturedAt(0)
	}
	return kafka.OpenFile(ctx, c.cfg, run, interval, func(digest string) bool { return ingest.Continues(c.spec, digest) })
}

// longestRecorded bounds recorded: an export looks for a run's sightings from a
// day before its start on (query.Export).
const longestRecorded = 23 * time.Hour

// recorded returns a file's declared length, 0 if unknown.
func recorded(info ingest.Info) time.Duration {
	if info.Frames <= 0 || info.FPS <= 0 {
		return 0
	}
	return time.Duration(min(float64(info.Frames)/info.FPS*float64(time.Second), float64(longestRecorded)))
}

// prepare makes source and scene ready for the first frame that the log lacks.
func (c *cameraLoop) prepare(ctx context.Context, src ingest.Source, w kafka.Writer) (ingest.Source, error) {
	if w.Next() == 0 {
		if err := c.scene.open(0); err != nil || !src.Info().Kind.Live() {
			return src, err
		}
		c.scene.recall(ctx, c.cfg, w.Run(), c.log)
		return src, nil
	}
	c.log.Info("resuming an unfinished run", "camera", c.spec.ID, "run", w.Run().ID, "seq", w.Next())
	if err := c.scene.resume(ctx, c.cfg, w.Run(), w.Next(), c.log); err != nil {
		return src, err
	}
	return c.reopenAt(ctx, src, w.Next())
}

// reopenAt opens the source again at the first frame that the log lacks.
func (c *cameraLoop) reopenAt(ctx context.Context, src ingest.Source, next int64) (ingest.Source, error) {
	if err := src.Close(); err != nil {
		return src, fmt.Errorf("close source: %w", err)
	}
	opts := c.opts
	opts.StartAt = next
	again, err := ingest.Open(ctx, c.spec, opts)
	if err != nil {
		return src, err
	}
	return again, nil
}

// frames sends one sighting a frame until the source ends or something fails.
func (c *cameraLoop) frames(ctx context.Context, src ingest.Source, w kafka.Writer) error {
	var f ingest.Frame
	run, kind := w.Run(), src.Info().Kind
	fps := src.Info().FPS
	if limit := c.scene.config.FPS; limit > 0 && (fps == 0 || limit < fps) {
		fps = limit
	}
	recorder, err := preview.Open(c.preview, c.spec.ID, c.scene.shapes, fps, w.Next(), c.log)
	if err != nil {
		return err
	}
	defer recorder.Close()
	review := newModelCheck(c.pool.session.Spec(), c.scene.ignored, c.log.With("camera", c.spec.ID))
	c.viewers.setPrivacy(c.scene.config.Privacy)
	guard := preview.NewGuard(preview.Privacy(c.scene.config.Privacy), c.scene.reportThreshold, c.scene.config.Region)
	taker := c.pictures.Taker(run.Shapes, run.Stretches)
	defer taker.End()
	var dropped int64 // since the last sighting that was sent
	failed := 0       // frames in a row on which the detector failed
	for {
		if c.changes() {
			return errChanged
		}
		if err := src.Next(ctx, &f); err != nil {
			return err
		}
		if !c.scene.wanted(&f, kind.Live()) {
			c.update(func(s *pipeline.CameraStatus) { s.Skipped++ })
			dropped += c.missed(&f)
			continue
		}
		d, err := c.detector.detect(ctx, src, &f)
		dropped += c.missed(&f) // after detect, which may have put a newer frame into f
		if err != nil {
			if err = c.onDetectError(ctx, &f, err, &failed); err != nil {
				return err
			}
			continue
		}
		failed = 0
		review.observeScores(d.objects)
		size := event.Size{Width: f.Size().X, Height: f.Size().Y}
		veil := guard.Veil(d.objects, size, f.PTS)                                  // before track, which takes detections out
		objects := c.scene.track(d.objects, size, f.PTS.Truncate(time.Microsecond)) // the log has microseconds
		review.add(&f, area(c.scene.config.Region, f.Size()), objects)
		c.detected(&f, objects, d.took)
		s := sighting(run, kind, &f, d.model, objects)
		c.viewers.show(&f, veil, s)
		if c.skipEmpty && len(objects) == 0 {
			continue
		}
		s.DroppedBefore = dropped
		events := c.scene.events(s)
		sending := c.tracer.Frame(ctx, s)
		if err := w.Send(sending, s, events...); err != nil {
			return err
		}
		taker.Frame(&f, s, veil, events)
		c.update(func(s *pipeline.CameraStatus) {
			s.Sent++
			s.Inference.Mark(d.took, trace.SpanContextFromContext(sending))
		})
		dropped = 0
		recorder.Show(&f, veil, s.Objects)
	}
}

// missed counts the frames that the source left out before f, and returns how
// many of them it dropped.
func (c *cameraLoop) missed(f *ingest.Frame) (dropped int64) {
	c.update(func(s *pipeline.CameraStatus) {
		s.Dropped += f.Dropped
		s.Skipped += f.Skipped
	})
	return f.Dropped
}

// detected counts a frame on which the detector ran.
func (c *cameraLoop) detected(f *ingest.Frame, objects []event.Object, took time.Duration) {
	c.update(func(s *pipeline.CameraStatus) {
		s.Frames++
		s.Objects += int64(len(objects))
		s.People = event.People(objects)
		s.Newest = f.GrabbedAt
		s.Inference.Observe(took)
	})
}

// sighting describes one frame. Its objects are copies: the detector uses its own
// again.
func sighting(run event.Run, kind event.SourceKind, f *ingest.Frame, model event.Model, objects []event.Object) *event.Sighting {
	captured := event.At(f.GrabbedAt)
	if !kind.Live() {
		captured = run.CapturedAt(f.PTS)
	}
	return &event.Sighting{
		Camera: run.Camera, Run: run.ID, Seq: f.Seq, SourceKind: kind, PTS: f.PTS.Microseconds(),
		CapturedAt: captured, GrabbedAt: event.At(f.GrabbedAt),
		DecodedAt: event.At(f.DecodedAt), InferredAt: event.At(time.Now()),
		Frame: event.Size{Width: f.Size().X, Height: f.Size().Y},
		Model: model, Objects: slices.Clone(objects),
	}
}

// maxFailed is how many frames in a row may fail before the camera does.
const maxFailed = 25

// onDetectError decides about a frame on which the detector failed: it is logged,
// counted and passed over, until too many have failed in a row.
func (c *cameraLoop) onDetectError(ctx context.Context, f *ingest.Frame, err error, failed *int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if usage.Is(err) { // the model's, of every frame
		return err
	}
	if *failed++; *failed >= maxFailed {
		return fmt.Errorf("camera %s: the detector failed on %d frames in a row, the last one, %d: %w", c.spec.ID, *failed, f.Seq, err)
	}
	c.log.Warn("the detector failed on a frame", "camera", c.spec.ID, "seq", f.Seq, "err", err)
	c.update(func(s *pipeline.CameraStatus) { s.Failed++ })
	return nil
}

// end finishes the run when its source came to an end, and otherwise only
// waits for the acknowledgement of what was sent.
func (c *cameraLoop) end(ctx context.Context, source ingest.Info, w kafka.Writer, why error) error {
	kind := source.Kind
	state := c.status()
	end := event.Run{Dropped: state.Dropped - c.before.dropped, Outcome: event.OutcomeFinished}
	if errors.Is(why, io.EOF) && !kind.Live() && state.Failed > 0 {
		why = &ingest.Damage{
			Source: source.Source, Delivered: state.Frames,
			Reason: fmt.Sprintf("the detector failed on %d of its frames", state.Failed),
		}
	}
	var damage *ingest.Damage
	switch stopped := ctx.Err() != nil; {
	case errors.Is(why, errChanged):
		return c.endChanged(ctx, w, end)
	case errors.Is(why, io.EOF):
		why = nil
	case errors.As(why, &damage):
		end.Outcome, end.Damage = event.OutcomeDamaged, damage.Error()
		why = &pipeline.DamageError{What: end.Damage}
	case stopped && kind.Live():
		why = nil // stopping a live source is its end
	case stopped:
		return closeWriter(ctx, w)
	default:
		if err := closeWriter(ctx, w); !errors.Is(why, err) { // a failed Send has the same error
			why = errors.Join(why, err)
		}
		return why
	}
	if err := finish(ctx, w, end, c.scene.end()); err != nil {
		return err
	}
	c.update(func(s *pipeline.CameraStatus) { s.State, s.Damage, s.People = pipeline.Ended, end.Damage, 0 })
	return why
}

package detect

import (
	"image"
	"log/slog"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/motion"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

// A modelCheck ends after so many frames with motion and no detection, or detections
// as large as the picture and no other.
const (
	checkedMoving = 200
	checkedWhole  = 50
)

// modelCheck watches the beginning of a run for the signs of a model that is fed or
// read the wrong way: nothing at all, or boxes as large as the picture. Both can
// be right, too (a street without people, a face close to the camera): it logs
// once what was found and what to check, and stops nothing. It ends at the first
// detection that is neither.
type modelCheck struct {
	spec   detector.Spec
	motion *motion.Gate
	log    *slog.Logger

	moving, whole int
	highest       float32 // score, among those below the threshold too
	done          bool
}

func newModelCheck(spec detector.Spec, ignore func(x, y float64) bool, log *slog.Logger) *modelCheck {
	return &modelCheck{spec: spec, motion: motion.New(motion.Options{Ignore: ignore}), log: log}
}

// observeScores is called with all objects of a frame, before those below the threshold
// are dropped.
func (r *modelCheck) observeScores(objects []event.Object) {
	for _, o := range objects {
		r.highest = max(r.highest, o.Score)
	}
}

// add is called with the reported objects of a frame, whose area was processed.
func (r *modelCheck) add(f *ingest.Frame, area image.Rectangle, objects []event.Object) {
	if r.done {
		return
	}
	for _, o := range objects {
		if !covers(o.Box, area) {
			r.done = true
			return
		}
		r.whole++
	}
	if r.whole == 0 && r.motion.Pass(&f.Image, f.PTS) && r.motion.Moved(f.PTS) {
		r.moving++
	}
	switch {
	case r.whole >= checkedWhole:
		r.done = true
		r.log.Warn("every detection so far is as large as the frame; unless somebody is that close to the camera, "+
			"check the model's description", append(r.facts(), "detections", r.whole)...)
	case r.moving >= checkedMoving:
		r.done = true
		r.log.Warn("nothing was detected so far, while something moved; unless none of the classes was in view, "+
			"check the model's description", append(r.facts(), "moving_frames", r.moving)...)
	}
}

// facts are the attributes of both messages.
func (r *modelCheck) facts() []any {
	return []any{"highest_score", r.highest, "model", r.spec.Name, "decoder", r.spec.Decoder,
		"order", r.spec.Order, "std", r.spec.Std[0], "letterbox", r.spec.Letterbox}
}

// covers reports whether a box spans the area except for a fiftieth of each side.
func covers(b event.Box, area image.Rectangle) bool {
	w, h := float32(area.Dx()), float32(area.Dy())
	return b[2]-b[0] >= 0.98*w && b[3]-b[1] >= 0.98*h
}

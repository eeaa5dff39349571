package detect

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

// recallTimeout bounds the reading of the log at the start of a live camera's run.
const recallTimeout = 10 * time.Second

// recall restores what is known of a live camera's things and of its people at rest from the
// newest sightings that its runs before have in the log. Without it each start takes a shrub
// for a person until it is learned anew, and somebody who sits for a thing after that. Runs of
// another source are ignored. Where zones or lines are others than in the run, the camera
// may have been turned. The model does not matter: the places are the same.
func (s *sceneState) recall(ctx context.Context, cfg kafka.Config, run event.Run, log *slog.Logger) {
	if s.marker == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	marker, known := s.newMarker(), event.Size{}
	var last *event.Run
	err := kafka.ReadBefore(ctx, cfg, &run, func(of *event.Run, g *event.Sighting) {
		if of.Source != run.Source || !of.SourceKind.Live() {
			return
		}
		if last != nil && last.ID != of.ID {
			marker.EndRun(!sameShapes(last.Shapes, of.Shapes))
		}
		if g.Frame != known {
			marker, known = s.newMarker(), g.Frame
		}
		last = of
		marker.Recall(g.Objects, g.CapturedAt.Sub(run.StartedAt.Time))
	})
	if err != nil {
		log.Warn("the earlier sightings of a camera cannot be read; what is a thing is learned anew", "camera", s.camera, "err", err)
		return
	}
	if last != nil {
		marker.EndRun(!sameShapes(last.Shapes, run.Shapes))
		s.marker, s.recalled = marker, known
	}
}

func sameShapes(a, b []event.Shape) bool {
	return slices.EqualFunc(a, b, func(a, b event.Shape) bool { return reflect.DeepEqual(a, b) })
}

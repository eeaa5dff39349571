package pipeline

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/stationary"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// RecountProgress is how far a recount is.
type RecountProgress = sink.RecountProgress

// RecountConfig is what a recount counts.
type RecountConfig struct {
	Pool         *pgxpool.Pool
	Cameras      map[string]config.CameraSettings
	Only         string // a camera; "": all that have zones or lines
	Since, Until time.Time
	// Score, if not zero, has the objects tracked again, as with this threshold (--score) and
	// each camera's ThingAfter.
	Score    float32
	Resume   int32          // a recount that was interrupted, which has an Only, Since, Until and Score of its own
	Begun    func(id int32) // is called when the recount has its number
	Progress func(RecountProgress)
}

// Recount counts sightings in the tables again with the zones and lines of cameras.
func Recount(ctx context.Context, cfg RecountConfig) (*sink.Recounted, error) {
	to := sink.RecountConfig{
		Pool: cfg.Pool, Since: cfg.Since, Until: cfg.Until, Score: cfg.Score, Resume: cfg.Resume, Begun: cfg.Begun, Progress: cfg.Progress,
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Cameras)) {
		settings := cfg.Cameras[name]
		if len(settings.Zones)+len(settings.Lines) == 0 {
			continue
		}
		names = append(names, name)
		if cfg.Only != "" && cfg.Only != name {
			continue
		}
		shapes, err := ShapesOf(name, settings, true)
		if err != nil {
			return nil, err
		}
		to.Cameras = append(to.Cameras, sink.RecountCamera{Name: name, Shapes: shapes.Shapes(), New: func(score float32) (sink.Counter, error) {
			m, err := zone.New(name, shapes)
			c := counter{shapes: m, crossings: zone.NewCrossings(shapes.Lines)}
			if score > 0 {
				c.tracker = track.New(TrackOptions(score))
				c.marker = stationary.New(stationary.Options{ThingAfter: settings.ThingAfter})
			}
			return c, err
		}})
	}
	switch {
	case len(names) == 0:
		return nil, usage.New("give a configuration file (--config) with cameras, and zones or lines of them", "no zones and lines to count with")
	case len(to.Cameras) == 0:
		return nil, usage.New("these have some: "+strings.Join(names, ", "), "--camera %s has no zones and lines in the configuration file", cfg.Only)
	}
	return sink.Recount(ctx, to)
}

// TrackOptions returns the tracker's options with --track-score. New tracks take a tenth more,
// but also of 0.9 and above some score is enough.
func TrackOptions(score float32) track.Options {
	return track.Options{High: score, NewTrackScore: min(score+0.1, (1+score)/2)}
}

// DropRecount removes a recount.
func DropRecount(ctx context.Context, pool *pgxpool.Pool, id int32) error {
	return sink.DropRecount(ctx, pool, id)
}

// counter counts with the shapes of a camera.
type counter struct {
	shapes    *zone.Map
	crossings *zone.Crossings
	tracker   *track.Tracker // nil: the objects keep their tracks and states
	marker    *stationary.Marker
}

// Count implements sink.Counter.
func (c counter) Count(s *event.Sighting) []event.Crossing {
	if c.tracker != nil {
		for i := range s.Objects {
			s.Objects[i].TrackID = nil
		}
		pts := time.Duration(s.PTS) * time.Microsecond
		s.Objects = c.tracker.Update(s.Objects, s.Frame, pts)
		c.marker.Mark(s.Objects, pts)
	}
	for i := range s.Objects {
		if s.Objects[i].State != event.StateThing {
			s.Objects[i].Zones = c.shapes.Zones(nil, &s.Objects[i], s.Frame)
		}
	}
	return c.crossings.Events(s)
}

// End implements sink.Counter.
func (c counter) End() []event.Crossing { return c.crossings.End() }

package detect

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/motion"
	"github.com/sightlog/sightlog/detector/stationary"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
)

// sceneState is the state of a camera's scene from frame to frame: the tracks, the
// sides of lines that they were on, their visits of zones, and the motion. It belongs to one
// goroutine.
type sceneState struct {
	config          config.CameraSettings
	shapes          zone.Options
	camera          string
	tracked         bool
	reportThreshold float32 // Thresholds.Report

	tracker   *track.Tracker // nil: not tracked
	marker    *stationary.Marker
	recalled  event.Size // of the frames of which marker knows places; zero: none
	zones     *zone.Map
	crossings *zone.Crossings
	visits    *zone.Visits // of the sightings in the log: also where these do not reproduce the tracks
	motion    *motion.Gate // nil: without

	begun     bool       // frameSlot is set
	frameSlot int64      // of the last frame detected on; see slotAt
	sets      [][]string // the combinations of zones seen, so that detections share them
	names     []string   // the buffer that zonesOf fills for each object
}

func newScene(c cameraSettings, tracked bool, reportThreshold float32) *sceneState {
	return &sceneState{
		config: c.CameraSettings, shapes: c.shapes, camera: c.spec.ID, tracked: tracked, reportThreshold: reportThreshold,
		visits: zone.NewVisits(c.shapes.Zones), crossings: zone.NewCrossings(c.shapes.Lines),
	}
}

// open begins at frame seq, or resumes there with track IDs that were never used.
func (s *sceneState) open(seq int64) (err error) {
	if s.zones, err = zone.New(s.camera, s.shapes); err != nil {
		return err
	}
	s.crossings = zone.NewCrossings(s.shapes.Lines)
	if s.tracked {
		o := pipeline.TrackOptions(s.reportThreshold)
		o.FirstID = track.FirstID(seq)
		s.tracker = track.New(o)
		s.marker = s.newMarker()
	}
	if s.config.Motion {
		s.motion = motion.New(motion.Options{Ignore: s.ignored})
	}
	return nil
}

func (s *sceneState) newMarker() *stationary.Marker {
	return stationary.New(stationary.Options{ThingAfter: s.config.ThingAfter})
}

// checkRecalled forgets what was recalled if the frames have another size now.
func (s *sceneState) checkRecalled(frame event.Size) {
	if s.recalled != (event.Size{}) && s.recalled != frame {
		s.marker = s.newMarker()
	}
	s.recalled = event.Size{}
}

// ignored reports whether a point is masked or outside the region.
func (s *sceneState) ignored(x, y float64) bool {
	r := s.config.Region
	return s.zones.Masked(zone.Point{X: x, Y: y}) || r != nil && (x < r[0] || y < r[1] || x > r[2] || y > r[3])
}

// resume restores the tracker, the sides of lines and the visits of an interrupted run,
// whose next frame is next, by passing the run's sightings in the topic through them
// again. That must reproduce their track IDs. If it does not (the topic no longer
// holds the beginning, empty sightings were not sent, or settings changed),
// tracking restarts with IDs that were never used in the run.
func (s *sceneState) resume(ctx context.Context, cfg kafka.Config, run event.Run, next int64, log *slog.Logger) error {
	if err := s.open(0); err != nil {
		return err
	}
	same, begun := true, false
	var objects []event.Object
	err := kafka.ReadRun(ctx, cfg, &run, func(g *event.Sighting) {
		s.visits.Events(g)
		pts := time.Duration(g.PTS) * time.Microsecond
		s.begun, s.frameSlot = true, s.slotAt(pts)
		same = same && (begun || g.Seq == 0)
		begun = true
		if s.tracker == nil || !same {
			return
		}
		objects = append(objects[:0], g.Objects...)
		for i := range objects {
			objects[i].TrackID = nil
		}
		objects = s.tracker.Update(objects, g.Frame, pts)
		same = slices.EqualFunc(objects, g.Objects, func(a, b event.Object) bool {
			return (a.TrackID == nil) == (b.TrackID == nil) && (a.TrackID == nil || *a.TrackID == *b.TrackID)
		})
		s.marker.Mark(objects, pts)
		shown := *g
		shown.Objects = objects
		s.crossings.Events(&shown)
	})
	if err != nil {
		return fmt.Errorf("read the sightings of the run of camera %s: %w", s.camera, err)
	}
	if !same {
		log.Info("the log does not reproduce the track IDs; tracks get new ones", "camera", s.camera, "run", run.ID, "seq", next)
		return s.open(next)
	}
	return nil
}

// slotAt returns a position in units of 1/fps, with a tolerance for positions that
// are truncated to microseconds. Of each slot one frame is wanted.
func (s *sceneState) slotAt(pts time.Duration) int64 {
	return int64(math.Floor(pts.Seconds()*s.config.FPS + 1e-3))
}

// wanted reports whether the detector is to run on the frame. A live source keeps
// to the rate itself (ingest.Options.MaxFPS).
func (s *sceneState) wanted(f *ingest.Frame, live bool) bool {
	if s.config.FPS > 0 && !live {
		slot := s.slotAt(f.PTS)
		if s.begun && slot == s.frameSlot {
			return false
		}
		s.begun, s.frameSlot = true, slot
	}
	return s.motion == nil || s.motion.Pass(&f.Image, f.PTS)
}

// track removes objects in masks and, where nobody is tracked, those below the threshold; it gives
// the others their track IDs, states and zones; a thing is in no zone. It works in place.
func (s *sceneState) track(objects []event.Object, frame event.Size, pts time.Duration) []event.Object {
	objects = s.zones.Mask(objects, frame)
	if s.tracker != nil {
		objects = s.tracker.Update(objects, frame, pts)
		s.checkRecalled(frame)
		s.marker.Mark(objects, pts)
	} else {
		objects = sureOf(objects, s.reportThreshold)
	}
	for i := range objects {
		if objects[i].State != event.StateThing {
			objects[i].Zones = s.zonesOf(&objects[i], frame)
		}
	}
	return objects
}

// sureOf keeps the objects of a score and above, which come by falling score.
func sureOf(objects []event.Object, score float32) []event.Object {
	for i := range objects {
		if objects[i].Score < score {
			return objects[:i]
		}
	}
	return objects
}

// events returns the crossings and visits that are complete with a sighting.
func (s *sceneState) events(g *event.Sighting) []event.Derived {
	return derived(s.crossings.Events(g), s.visits.Events(g))
}

// end returns the crossings and visits that are complete because the run ends.
func (s *sceneState) end() []event.Derived {
	return derived(s.crossings.End(), s.visits.End())
}

func derived(crossings []event.Crossing, visits []event.Visit) (all []event.Derived) {
	for i := range crossings {
		all = append(all, &crossings[i])
	}
	for i := range visits {
		all = append(all, &visits[i])
	}
	return all
}

func (s *sceneState) zonesOf(o *event.Object, frame event.Size) []string {
	s.names = s.zones.Zones(s.names[:0], o, frame)
	if len(s.names) == 0 {
		return nil
	}
	for _, set := range s.sets {
		if slices.Equal(set, s.names) {
			return set
		}
	}
	set := slices.Clone(s.names)
	s.sets = append(s.sets, set)
	return set
}

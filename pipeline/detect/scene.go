package detect

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/motion"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// scene is what a camera knows of its picture over the frames: which of them
// are worth a look, who is who, and where zones and lines lie. It belongs to
// one goroutine.
type scene struct {
	settings config.Camera
	shapes   zone.Options
	camera   string
	score    float32 // the tracker's; 0: nobody is tracked

	tracker *track.Tracker
	zones   *zone.Map
	motion  *motion.Gate

	begun bool
	beat  int64      // of the last frame looked at, in units of 1/fps
	sets  [][]string // the combinations of zones seen, so that detections share them
	names []string
}

// shapesOf checks the drawings in a camera's settings.
func shapesOf(camera string, c config.Camera, tracked bool) (zone.Options, error) {
	var o zone.Options
	for i, m := range c.Masks {
		o.Masks = append(o.Masks, zone.Zone{Name: strconv.Itoa(i + 1), Polygon: outline(m)})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Zones)) {
		o.Zones = append(o.Zones, zone.Zone{Name: name, Polygon: outline(c.Zones[name])})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Lines)) {
		ps := outline(c.Lines[name])
		if len(ps) != 2 {
			return o, usage.New("give it two", "camera %s, line %q has %d points", camera, name, len(ps))
		}
		o.Lines = append(o.Lines, zone.Line{Name: name, A: ps[0], B: ps[1]})
	}
	if len(o.Lines) > 0 && !tracked {
		return o, usage.New("take out --track off, or the lines", "camera %s: who crosses a line is known only of people who are tracked", camera)
	}
	_, err := zone.New(camera, o)
	return o, err
}

func outline(ps []config.Point) []zone.Point {
	out := make([]zone.Point, len(ps))
	for i, p := range ps {
		out[i] = zone.Point{X: p[0], Y: p[1]}
	}
	return out
}

// open begins at frame seq, or goes on there with tracks that have not been
// seen.
func (s *scene) open(seq int64) (err error) {
	if s.zones, err = zone.New(s.camera, s.shapes); err != nil {
		return err
	}
	if s.score > 0 {
		s.tracker = track.New(track.Options{High: s.score, FirstID: track.FirstID(seq)})
	}
	if s.settings.Motion {
		s.motion = motion.New(motion.Options{Ignore: s.ignored})
	}
	return nil
}

// ignored reports whether a place is masked or outside the region.
func (s *scene) ignored(x, y float64) bool {
	r := s.settings.Region
	return s.zones.Masked(zone.Point{X: x, Y: y}) || r != nil && (x < r[0] || y < r[1] || x > r[2] || y > r[3])
}

// resume goes on at frame next as if it had not been away: what the log says
// of the frames before is shown to tracker and lines again. Where that does
// not give the same numbers again, because the log has lost the beginning,
// empty sightings were left out, or the settings were others, everybody gets a
// new number.
func (s *scene) resume(ctx context.Context, cfg kafka.Config, run event.Run, next int64, log *slog.Logger) error {
	if err := s.open(0); err != nil {
		return err
	}
	same, begun := true, false
	var objects []event.Object
	err := kafka.ReadRun(ctx, cfg, &run, func(g *event.Sighting) {
		pts := time.Duration(g.PTS) * time.Microsecond
		s.begun, s.beat = true, s.beatAt(pts)
		same = same && (begun || g.Seq == 0)
		begun = true
		if s.tracker == nil || !same {
			return
		}
		objects = append(objects[:0], g.Objects...)
		for i := range objects {
			objects[i].TrackID = nil
		}
		objects = s.tracker.Update(objects, pts)
		same = slices.EqualFunc(objects, g.Objects, func(a, b event.Object) bool {
			return (a.TrackID == nil) == (b.TrackID == nil) && (a.TrackID == nil || *a.TrackID == *b.TrackID)
		})
		s.zones.Crossings(objects, g.Frame, pts)
	})
	if err != nil {
		return fmt.Errorf("read what the run of camera %s has seen: %w", s.camera, err)
	}
	if !same {
		log.Info("the log does not tell who is who; people get new numbers", "camera", s.camera, "run", run.ID, "seq", next)
		return s.open(next)
	}
	return nil
}

// beatAt counts a position in units of 1/fps, with a tolerance for clocks that
// are cut to microseconds.
func (s *scene) beatAt(pts time.Duration) int64 {
	return int64(math.Floor(pts.Seconds()*s.settings.FPS + 1e-3))
}

// wanted reports whether the frame is worth a look. A live source keeps to its
// rate itself.
func (s *scene) wanted(f *ingest.Frame, live bool) bool {
	if s.settings.FPS > 0 && !live {
		beat := s.beatAt(f.PTS)
		if s.begun && beat == s.beat {
			return false
		}
		s.begun, s.beat = true, beat
	}
	return s.motion == nil || s.motion.Look(&f.Image, f.PTS)
}

// know drops who is masked and tells of the others who they are and in which
// zones. It works in place.
func (s *scene) know(objects []event.Object, frame event.Size, pts time.Duration) []event.Object {
	objects = s.zones.Mask(objects, frame)
	if s.tracker != nil {
		objects = s.tracker.Update(objects, pts)
	}
	for i := range objects {
		objects[i].Zones = s.zonesOf(&objects[i], frame)
	}
	return objects
}

func (s *scene) zonesOf(o *event.Object, frame event.Size) []string {
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

// crossings are the lines crossed in the frame of g.
func (s *scene) crossings(g *event.Sighting) []event.Crossing {
	var all []event.Crossing
	for _, x := range s.zones.Crossings(g.Objects, g.Frame, time.Duration(g.PTS)*time.Microsecond) {
		c := g.Crossing()
		c.Line, c.Direction, c.TrackID, c.ClassID, c.Label = x.Line, string(x.Direction), x.TrackID, x.ClassID, x.Label
		all = append(all, c)
	}
	return all
}

package zone

import (
	"math"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// Zone is a named area.
type Zone struct {
	Name    string  `yaml:"name" json:"name"`
	Polygon []Point `yaml:"polygon" json:"polygon"` // at least three, no edges crossing

	// Loitering is how long a visit lasts before it counts as loitering; 0: none does.
	Loitering time.Duration `yaml:"loitering" json:"loitering"`
}

// Line is a named line with a direction: seen along it from
// A to B, a crossing from its left to its right is in, the other way out.
type Line struct {
	Name string `yaml:"name" json:"name"`
	A    Point  `yaml:"a" json:"a"`
	B    Point  `yaml:"b" json:"b"`
}

// Crossing is a track's way across a line, complete in the current frame.
type Crossing struct {
	Line      string
	Direction string // event.In or event.Out
	TrackID   int64
	ClassID   int
	Label     string
}

// Options are the shapes in a camera's picture.
type Options struct {
	Zones []Zone
	Lines []Line
	// Masks are areas in which nothing is reported: a screen that shows people,
	// a neighbour's garden.
	Masks []Zone
}

// Limits of the configuration, and how long the state of a track is retained.
const (
	maxShapes = event.MaxZones
	retention = 10 * time.Second
)

// hysteresis is how far the feet must be from a line, in parts of the box's height,
// before they count as being beyond it: the lower edge of a detector's box is off by .05
// (standard deviation, on vtest.avi). Within returnWindow after a crossing the same track
// crosses back only if it gets returnHysteresis beyond the line, five deviations: somebody who
// stands or walks on a line wavers for longer than one frame. Later the lesser distance
// counts again, so that no track remains on the wrong side.
const (
	hysteresis       = 0.05
	returnHysteresis = 0.25
	returnWindow     = 3 * time.Second
)

// Shapes returns the zones and lines as a run's event has them.
func (o Options) Shapes() []event.Shape {
	var all []event.Shape
	for _, z := range o.Zones {
		s := event.Shape{Kind: event.ShapeZone, Name: z.Name, LoiteringS: z.Loitering.Seconds()}
		for _, p := range z.Polygon {
			s.Points = append(s.Points, [2]float64{p.X, p.Y})
		}
		all = append(all, s)
	}
	for _, l := range o.Lines {
		all = append(all, event.Shape{Kind: event.ShapeLine, Name: l.Name, Points: [][2]float64{{l.A.X, l.A.Y}, {l.B.X, l.B.Y}}})
	}
	return all
}

// Map applies a camera's shapes to its objects. It belongs to one goroutine.
type Map struct {
	opts   Options
	tracks map[int64]*trackState
	last   time.Duration // of the frame before
	found  []Crossing
}

// trackState is on which side of each line a track was.
type trackState struct {
	seen  time.Duration
	sides []sideState // by line
}

// sideState is the side of a line on which a track last was for certain.
type sideState struct {
	at          Point
	sign        int8          // 0: not known yet
	returnsFrom time.Duration // until then crossing back takes returnHysteresis
}

// New checks the shapes. A mistake is a *usage.Error that names the shape.
func New(camera string, o Options) (*Map, error) {
	if len(o.Zones)+len(o.Lines)+len(o.Masks) > maxShapes {
		return nil, usage.New("", "camera %s: more than %d zones, lines and masks", camera, maxShapes)
	}
	names := map[string]bool{}
	name := func(kind, n string) error {
		switch {
		case n == "":
			return usage.New("give it a name", "camera %s: a %s has no name", camera, kind)
		case len(n) > event.MaxName:
			return usage.New("shorten it", "camera %s: the name of %s %q is longer than %d bytes", camera, kind, n, event.MaxName)
		case names[kind+n]:
			return usage.New("give each its own", "camera %s: two %ss are called %q", camera, kind, n)
		}
		names[kind+n] = true
		return nil
	}
	for kind, zones := range map[string][]Zone{"zone": o.Zones, "mask": o.Masks} {
		for _, z := range zones {
			if err := name(kind, z.Name); err != nil {
				return nil, err
			}
			if err := checkPolygon(z.Polygon); err != nil {
				return nil, usage.Wrap(err, "", "camera %s, %s %q %s", camera, kind, z.Name, err)
			}
		}
	}
	for _, l := range o.Lines {
		if err := name("line", l.Name); err != nil {
			return nil, err
		}
		if err := checkInside([]Point{l.A, l.B}); err != nil {
			return nil, usage.Wrap(err, "", "camera %s, line %q: %s", camera, l.Name, err)
		}
		if l.A == l.B {
			return nil, usage.New("give it two different ends", "camera %s, line %q is a point", camera, l.Name)
		}
	}
	return &Map{opts: o, tracks: map[int64]*trackState{}}, nil
}

// Mask removes the objects whose feet are in a mask and renumbers the others, in
// place.
func (m *Map) Mask(objs []event.Object, frame event.Size) []event.Object {
	rest := objs[:0]
	for _, o := range objs {
		if !m.Masked(footPoint(o.Box, frame)) {
			o.Index = len(rest)
			rest = append(rest, o)
		}
	}
	return rest
}

// Masked reports whether a point is in a mask.
func (m *Map) Masked(p Point) bool {
	for _, z := range m.opts.Masks {
		if contains(z.Polygon, p) {
			return true
		}
	}
	return false
}

// Zones appends the names of the zones in which the object's feet are.
func (m *Map) Zones(dst []string, o *event.Object, frame event.Size) []string {
	feet := footPoint(o.Box, frame)
	for _, z := range m.opts.Zones {
		if contains(z.Polygon, feet) {
			dst = append(dst, z.Name)
		}
	}
	return dst
}

// Events returns the crossings of lines that are complete in the frame of s, as Crossings
// finds them.
func (m *Map) Events(s *event.Sighting) []event.Crossing {
	var all []event.Crossing
	for _, x := range m.Crossings(s.Objects, s.Frame, time.Duration(s.PTS)*time.Microsecond) {
		c := s.Crossing()
		c.Line, c.Direction, c.TrackID, c.ClassID, c.Label = x.Line, x.Direction, x.TrackID, x.ClassID, x.Label
		all = append(all, c)
	}
	return all
}

// Crossings returns the lines that tracks have crossed since the frame before.
// The result is valid until the next call.
func (m *Map) Crossings(objs []event.Object, frame event.Size, pts time.Duration) []Crossing {
	m.found = m.found[:0]
	if len(m.opts.Lines) == 0 {
		return m.found
	}
	for i := range objs {
		o := &objs[i]
		if o.TrackID == nil || o.State == event.StateThing {
			continue
		}
		t := m.tracks[*o.TrackID]
		if t == nil {
			t = &trackState{sides: make([]sideState, len(m.opts.Lines))}
			m.tracks[*o.TrackID] = t
		}
		t.seen = pts
		feet := footPoint(o.Box, frame)
		height := float64(max(frame.Height, 1))
		tall, aspect := float64(o.Box[3]-o.Box[1])/height, float64(frame.Width)/height
		for k := range m.opts.Lines {
			if t.sides[k].sign != 0 && o.State != "" {
				continue // it stays where it is, however its box jitters
			}
			if d := t.sides[k].step(&m.opts.Lines[k], feet, tall, aspect, pts); d != "" {
				m.found = append(m.found, Crossing{
					Line: m.opts.Lines[k].Name, Direction: d, TrackID: *o.TrackID,
					ClassID: o.ClassID, Label: o.Label,
				})
			}
		}
	}
	retain := max(retention, 2*(pts-m.last)) // a camera can be slower than that
	m.last = pts
	for id, t := range m.tracks {
		if pts-t.seen > retain || t.seen > pts {
			delete(m.tracks, id)
		}
	}
	return m.found
}

// step moves the track to its feet and returns the direction if it has thereby
// crossed the line. Near the line nothing is certain: the state stays as it was. tall is
// the box's height in parts of the frame's.
func (s *sideState) step(l *Line, feet Point, tall, aspect float64, pts time.Duration) string {
	d := distance(l.A, l.B, feet, aspect)
	sign := int8(1)
	if d < 0 {
		sign = -1
	}
	margin := hysteresis * tall
	if s.sign != 0 && s.sign != sign && pts < s.returnsFrom {
		margin = returnHysteresis * tall
	}
	if math.Abs(d) < margin {
		return ""
	}
	was := *s
	s.at, s.sign = feet, sign
	if was.sign == 0 || was.sign == sign || !crosses(was.at, feet, l.A, l.B) {
		return "" // also round the line's end
	}
	s.returnsFrom = pts + returnWindow
	if sign > 0 {
		return event.In
	}
	return event.Out
}

// footPoint returns where an object's feet are: the middle of its lower edge.
func footPoint(b event.Box, frame event.Size) Point {
	return Point{float64(b[0]+b[2]) / 2 / float64(max(frame.Width, 1)), float64(b[3]) / float64(max(frame.Height, 1))}
}

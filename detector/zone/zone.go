package zone

import (
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

// Options are the shapes in a camera's picture.
type Options struct {
	Zones []Zone
	Lines []Line
	// Masks are areas in which nothing is reported: a screen that shows people,
	// a neighbour's garden.
	Masks []Zone
}

// maxShapes bounds the zones, lines and masks of a camera.
const maxShapes = event.MaxZones

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

// Map applies a camera's zones and masks to its objects. It belongs to one goroutine.
type Map struct {
	opts Options
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
	return &Map{opts: o}, nil
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

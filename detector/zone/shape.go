package zone

import (
	"fmt"
	"math"

	"github.com/sightlog/sightlog/event"
)

// Point is a place in the frame, in parts of its width and height: 0,0 is the
// top left corner, 1,1 the bottom right. So a change of resolution moves
// nothing.
type Point struct {
	X float64 `yaml:"x" json:"x"`
	Y float64 `yaml:"y" json:"y"`
}

// side returns on which side of the line from a to b p lies: positive is to the
// right, seen from a to b as the picture shows it (y points down).
func side(a, b, p Point) float64 { return (b.X-a.X)*(p.Y-a.Y) - (b.Y-a.Y)*(p.X-a.X) }

// distance is how far p is from the endless line through a and b, in parts of
// the frame's height, with side's sign. aspect is the frame's width by its height.
func distance(a, b, p Point, aspect float64) float64 {
	return aspect * side(a, b, p) / math.Hypot(aspect*(b.X-a.X), b.Y-a.Y)
}

// crosses reports whether the segments ab and cd intersect; touching counts.
func crosses(a, b, c, d Point) bool {
	s1, s2, s3, s4 := side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
	if s1 == 0 && s2 == 0 { // on one line: do they overlap
		return max(min(a.X, b.X), min(c.X, d.X)) <= min(max(a.X, b.X), max(c.X, d.X)) &&
			max(min(a.Y, b.Y), min(c.Y, d.Y)) <= min(max(a.Y, b.Y), max(c.Y, d.Y))
	}
	return s1*s2 <= 0 && s3*s4 <= 0
}

// contains reports whether p is inside the polygon, by counting the edges to
// the right of it.
func contains(polygon []Point, p Point) bool {
	inside := false
	for i, a := range polygon {
		b := polygon[(i+1)%len(polygon)]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+(p.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
			inside = !inside
		}
	}
	return inside
}

// checkPolygon returns the reason why an outline encloses no area, or nil.
func checkPolygon(ps []Point) error {
	if len(ps) < 3 {
		return fmt.Errorf("has %d points, and an area needs three", len(ps))
	}
	if len(ps) > maxPoints {
		return fmt.Errorf("has %d points, more than %d", len(ps), maxPoints)
	}
	if err := checkInside(ps); err != nil {
		return err
	}
	for i := range ps {
		if i == len(ps)-1 && ps[i] == ps[0] {
			return fmt.Errorf("ends in its first point: leave out the last, an outline closes by itself")
		}
		if ps[i] == ps[(i+1)%len(ps)] {
			return fmt.Errorf("has point %d twice in a row", i+1)
		}
	}
	for i := range ps {
		a, b := ps[i], ps[(i+1)%len(ps)]
		for k := i + 2; k < len(ps); k++ {
			if (k+1)%len(ps) == i { // neighbours share a point
				continue
			}
			if crosses(a, b, ps[k], ps[(k+1)%len(ps)]) {
				return fmt.Errorf("crosses itself: edge %d and edge %d", i+1, k+1)
			}
		}
	}
	area := 0.0
	for i := range ps {
		a, b := ps[i], ps[(i+1)%len(ps)]
		area += a.X*b.Y - b.X*a.Y
	}
	if math.Abs(area) < 1e-6 {
		return fmt.Errorf("encloses no area")
	}
	return nil
}

const maxPoints = 1000

func checkInside(ps []Point) error {
	for i, p := range ps {
		if !(p.X >= 0 && p.X <= 1 && p.Y >= 0 && p.Y <= 1) {
			return fmt.Errorf("point %d (%g, %g) is outside the frame; points are parts of its width and height, 0 to 1", i+1, p.X, p.Y)
		}
	}
	return nil
}

// footPoint returns where an object's feet are: the middle of its lower edge.
func footPoint(b event.Box, frame event.Size) Point {
	return Point{float64(b[0]+b[2]) / 2 / float64(max(frame.Width, 1)), float64(b[3]) / float64(max(frame.Height, 1))}
}

package preview

import (
	"image"
	"math"
	"time"

	"github.com/sightlog/sightlog/event"
)

// Guard says frame by frame where a camera's people are, so that pictures do not show them. It
// would rather hide too much: it takes detections of a score too low to be reported, people in
// masks, and for a moment those who are not detected any more. It belongs to one goroutine. The
// nil Guard hides nothing.
type Guard struct {
	mode   Privacy
	sure   float32   // detections of this score and above have their head where a head is
	region []float64 // left, top, right, bottom in parts of the frame: nobody looks for people outside; nil: all of it

	last []lastSeen
}

// lastSeen is a person of an earlier frame.
type lastSeen struct {
	box event.Box
	at  time.Duration
}

// rememberFor is how long a person who is not detected any more stays hidden where they were.
const rememberFor = time.Second

// NewGuard returns the guard of a camera, nil for PrivacyOff. Detections of the score sure and above
// are reported.
func NewGuard(mode Privacy, sure float32, region []float64) *Guard {
	if mode == PrivacyOff {
		return nil
	}
	return &Guard{mode: mode, sure: sure, region: region}
}

// Veil returns what to hide in a frame: its detections, of all scores, are objects, and its position is at.
func (g *Guard) Veil(objects []event.Object, frame event.Size, at time.Duration) *Veil {
	if g == nil {
		return nil
	}
	v := &Veil{mode: g.mode, frame: frame, hide: g.outside(frame)}
	now := make([]lastSeen, 0, len(objects))
	for i := range objects {
		if o := &objects[i]; o.Label == "person" {
			now = append(now, lastSeen{o.Box, at})
			v.hide = append(v.hide, g.cover(o.Box, o.Score >= g.sure))
		}
	}
	found := len(now)
	for _, l := range g.last {
		if age := at - l.at; age >= 0 && age <= rememberFor && !seenAgain(l.box, now[:found]) {
			now = append(now, l)
			v.hide = append(v.hide, g.cover(l.box, false))
		}
	}
	g.last = now
	return v
}

// seenAgain reports whether one of the people found is the one of the box.
func seenAgain(b event.Box, found []lastSeen) bool {
	for _, f := range found {
		if b.Intersection(f.box) > 0.4*min(b.Area(), f.box.Area()) {
			return true
		}
	}
	return false
}

// cover is the rectangle that hides the person of a box: a tenth more than it on each side. A
// face is in the upper third of the box, or in its upper square where the box is wide: somebody who
// is near, or seen in part. Of a box that is not sure, or wider than it is tall, all is hidden.
func (g *Guard) cover(b event.Box, sure bool) image.Rectangle {
	w, h := float64(b[2]-b[0]), float64(b[3]-b[1])
	bottom := float64(b[3])
	if g.mode == PrivacyFaces && sure && w < h {
		bottom = float64(b[1]) + max(h/3, w)
	}
	dx, dy := 2+w/10, 2+h/10
	x, y := int(math.Floor(float64(b[0])-dx)), int(math.Floor(float64(b[1])-dy))
	return image.Rect(x, y, int(math.Ceil(float64(b[2])+dx)), int(math.Ceil(bottom+dy)))
}

// outside returns the parts of the frame in which the detector does not look for people.
func (g *Guard) outside(frame event.Size) []image.Rectangle {
	if len(g.region) != 4 {
		return nil
	}
	w, h := frame.Width, frame.Height
	left, top := int(math.Ceil(g.region[0]*float64(w))), int(math.Ceil(g.region[1]*float64(h)))
	right, bottom := int(math.Floor(g.region[2]*float64(w))), int(math.Floor(g.region[3]*float64(h)))
	var all []image.Rectangle
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, w, top), image.Rect(0, bottom, w, h), image.Rect(0, top, left, bottom), image.Rect(right, top, w, bottom),
	} {
		if !r.Empty() {
			all = append(all, r)
		}
	}
	return all
}

package zone

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sightlog/sightlog/event"
)

// hysteresis is how far the feet must be from a line, in parts of the box's height,
// before they count as being beyond it: the lower edge of a detector's box is off by .05
// (standard deviation, on vtest.avi). A track that lingers (its feet stay near one place)
// wavers farther than that in one frame of many. Its crossing, and that of a track that has
// just crossed the line, counts only when the feet are certainly beyond the line, or beyond
// it in all frames of staying, or when the track ends there. Feet that are back before have
// crossed nothing.
const (
	hysteresis   = 0.05
	certainly    = 0.2
	staying      = 3 * time.Second
	near         = 0.25
	lingers      = 2 * time.Second
	settles      = time.Second // time constant of that place
	returnWindow = 3 * time.Second
)

// How long a track is remembered, and how long it has not been seen when it has ended, as in
// package track.
const (
	retention = 10 * time.Second
	goneAfter = 2 * time.Second
)

// Crossings finds the crossings of a run's tracks. It belongs to one goroutine.
type Crossings struct {
	lines  []Line
	tracks map[int64]*trackState
	last   time.Duration  // of the frame before
	gap    time.Duration  // between that and the present one
	frame  event.Crossing // the fields of the last sighting's frame
	size   event.Size     // that frame's
	found  []event.Crossing
}

// trackState is on which side of each line a track was.
type trackState struct {
	seen   time.Duration
	object event.Object // as it was when its whole body was seen last
	body   body
	place  Point         // near which it was
	since  time.Duration // that time
	sides  []sideState   // by line
	left   bool          // the edge rule was applied to its end
}

// sideState is the side of a line on which a track last was for certain, and whether it is
// perhaps on the other since.
type sideState struct {
	at      Point
	sign    int8 // 0: not known yet
	beyond  bool // the feet were beyond the line, and were not back since
	there   Point
	thereAt time.Duration // since when they are there in all frames

	returnsFrom time.Duration // it has just crossed the line until then
}

// NewCrossings returns the crossings of a run that begins.
func NewCrossings(lines []Line) *Crossings {
	return &Crossings{lines: lines, tracks: make(map[int64]*trackState)}
}

// Events returns the crossings of lines that are complete in the frame of s.
func (x *Crossings) Events(s *event.Sighting) []event.Crossing {
	x.frame, x.size, x.found = s.Crossing(), s.Frame, nil
	if len(x.lines) > 0 {
		x.find(s.Objects, time.Duration(s.PTS)*time.Microsecond)
	}
	return x.found
}

// End returns the crossings that are complete because the run ends with the sighting
// before: of those whom the edge rule takes out of the picture.
func (x *Crossings) End() []event.Crossing {
	x.found = nil
	x.leave(func(*trackState) bool { return true })
	return x.found
}

// find finds the lines that tracks have crossed since the frame before.
func (x *Crossings) find(objs []event.Object, pts time.Duration) {
	x.gap = pts - x.last
	for i := range objs {
		o := &objs[i]
		if o.TrackID == nil || o.State == event.StateThing {
			continue
		}
		x.move(o, o.State == "" && !hidden(objs, i), pts)
	}
	after := max(goneAfter, 2*x.gap)
	x.leave(func(t *trackState) bool { return pts-t.seen > after })
	retain := max(retention, 2*x.gap) // a camera can be slower than that
	x.last = pts
	for id, t := range x.tracks {
		if pts-t.seen > retain || t.seen > pts {
			delete(x.tracks, id)
		}
	}
}

// move finds the lines that an object has crossed. One that does not move is on the sides on
// which it was, however its box jitters.
func (x *Crossings) move(o *event.Object, moves bool, pts time.Duration) {
	t := x.tracks[*o.TrackID]
	if t == nil {
		t = &trackState{seen: pts, since: pts, sides: make([]sideState, len(x.lines))}
		t.enter(x.lines, o.Box, x.size, x.gap)
		x.tracks[*o.TrackID] = t
	}
	gap := pts - t.seen
	whole, was := t.body.see(o.Box, x.size, gap)
	if !was {
		clear(t.sides)
	}
	t.seen, t.left = pts, false
	if !whole {
		return
	}
	t.object = *o
	feet := footPoint(o.Box, x.size)
	height := float64(max(x.size.Height, 1))
	tall, aspect := float64(o.Box[3]-o.Box[1])/height, float64(x.size.Width)/height
	if math.Hypot((feet.X-t.place.X)*aspect, feet.Y-t.place.Y) > near*tall {
		t.place, t.since = feet, pts
	} else {
		part := 1 - math.Exp(-float64(gap)/float64(settles))
		t.place.X, t.place.Y = t.place.X+part*(feet.X-t.place.X), t.place.Y+part*(feet.Y-t.place.Y)
	}
	for k := range x.lines {
		l, s := &x.lines[k], &t.sides[k]
		if (moves || s.sign == 0) && s.step(l, feet, tall, aspect, pts, pts-t.since >= lingers) {
			x.add(l, s.sign, *o.TrackID, o)
		}
	}
}

// hidden reports whether another object, nearer to the camera, covers so much of objs[i]
// that its feet may be elsewhere: its lower edge is that of what can be seen of it.
func hidden(objs []event.Object, i int) bool {
	const part = 0.35
	b := objs[i].Box
	for k := range objs {
		if k != i && objs[k].Box[3] > b[3] && objs[k].Box.Intersection(b) > part*b.Area() {
			return true
		}
	}
	return false
}

// add adds the crossing of an object to a side of a line.
func (x *Crossings) add(l *Line, sign int8, track int64, o *event.Object) {
	c := x.frame
	c.Line, c.Direction, c.TrackID, c.ClassID, c.Label = l.Name, event.Out, track, o.ClassID, o.Label
	if sign > 0 {
		c.Direction = event.In
	}
	x.found = append(x.found, c)
}

// signOf returns -1, 0 or 1.
func signOf(d float64) int8 {
	switch {
	case d > 0:
		return 1
	case d < 0:
		return -1
	}
	return 0
}

// step moves the track to its feet and reports whether it has thereby
// crossed the line. Near the line nothing is certain: the state stays as it was. tall is
// the box's height in parts of the frame's.
func (s *sideState) step(l *Line, feet Point, tall, aspect float64, pts time.Duration, lingering bool) bool {
	d := distance(l.A, l.B, feet, aspect)
	sign := int8(1)
	if d < 0 {
		sign = -1
	}
	switch {
	case math.Abs(d) < hysteresis*tall:
		s.thereAt = pts
		return false
	case s.sign == 0 || s.sign == sign || !s.beyond && !crosses(s.at, feet, l.A, l.B): // the last: round the line's end
		s.at, s.sign, s.beyond = feet, sign, false
		return false
	case !s.beyond:
		s.beyond, s.thereAt = true, pts
	}
	s.there = feet
	if (lingering || pts < s.returnsFrom) && math.Abs(d) < certainly*tall && pts-s.thereAt < staying {
		return false
	}
	s.at, s.sign, s.beyond, s.returnsFrom = feet, sign, false, pts+returnWindow
	return true
}

// end returns the side on which the track ended, where it left the picture through a
// side edge at p.
func (s *sideState) end(l *Line, p Point, leaves bool) int8 {
	at, sign := s.at, s.sign
	if s.beyond {
		at, sign = s.there, -s.sign
	}
	if e := signOf(side(l.A, l.B, p)); leaves && e != 0 && e != sign && crosses(at, p, l.A, l.B) {
		return e
	}
	return sign
}

// enter puts a track that begins at a side edge on the side of each line that is there.
func (t *trackState) enter(lines []Line, b event.Box, frame event.Size, gap time.Duration) {
	p, touches := edgePoint(b, frame, gap)
	if !touches {
		return
	}
	for k := range lines {
		if d := side(lines[k].A, lines[k].B, p); d != 0 {
			t.sides[k].at, t.sides[k].sign = p, signOf(d)
		}
	}
}

// leave finds the lines that tracks have crossed that ended beyond them, or at a side edge.
// Those have ended that ended reports.
func (x *Crossings) leave(ended func(*trackState) bool) {
	for _, id := range slices.Sorted(maps.Keys(x.tracks)) {
		t := x.tracks[id]
		if t.left || !ended(t) {
			continue
		}
		t.left = true
		p, touches := edgePoint(t.object.Box, x.size, x.gap)
		touches = touches && t.object.State == ""
		for k := range x.lines {
			l, s := &x.lines[k], &t.sides[k]
			if s.sign == 0 {
				continue
			}
			if sign := s.end(l, p, touches); sign != s.sign {
				s.at, s.sign = p, sign
				x.add(l, sign, id, &t.object)
			}
			s.beyond = false
		}
	}
}

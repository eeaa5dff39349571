package audit

import (
	"math"
	"time"

	"github.com/sightlog/sightlog/event"
)

// Length is the length of a stretch, and reach how long before and after it a detection near the
// line may be.
const (
	Length = event.StretchLength
	reach  = event.StretchReach
)

// Line is a line by its ends, in parts of the frame's width and height.
type Line [2][2]float64

// Near reports whether the feet of a box, the middle of its lower edge, are within the box's
// height of the line.
func (l Line) Near(b event.Box, frame event.Size) bool {
	w, h := float64(frame.Width), float64(frame.Height)
	ax, ay, bx, by := l[0][0]*w, l[0][1]*h, l[1][0]*w, l[1][1]*h
	x, y := float64(b[0]+b[2])/2, float64(b[3])
	dx, dy := bx-ax, by-ay
	along := 0.0
	if d := dx*dx + dy*dy; d > 0 {
		along = min(1, max(0, ((x-ax)*dx+(y-ay)*dy)/d))
	}
	return math.Hypot(x-ax-along*dx, y-ay-along*dy) <= float64(b[3]-b[1])
}

// stretches collects the stretches of a run in which a detection is near the line.
type stretches struct {
	from, until time.Duration // positions of the audited time
	near        map[int64]bool
	first, last time.Duration // of the frames; first is negative before one
}

func newStretches(from, until time.Duration) *stretches {
	return &stretches{from: from, until: until, near: make(map[int64]bool), first: -1}
}

// add adds a frame.
func (s *stretches) add(at time.Duration, near bool) {
	if s.first < 0 {
		s.first = at
	}
	s.last = at
	if near {
		for k := int64(max(0, at-reach) / Length); k <= int64((at+reach)/Length); k++ {
			s.near[k] = true
		}
	}
}

// number is the number of a stretch in its run.
func (u Unit) number() int64 { return int64(u.From / Length) }

// units returns the stretches near the line, and how many are not.
func (s *stretches) units(run int) (units []Unit, leftOut int) {
	if s.first < 0 {
		return nil, 0
	}
	for k := int64(s.first / Length); k <= int64(s.last/Length); k++ {
		if !s.near[k] {
			leftOut++
			continue
		}
		begin := time.Duration(k) * Length
		units = append(units, Unit{Kind: Stretch, Run: run, From: max(begin, s.from), Until: min(begin+Length, s.until)})
	}
	return units, leftOut
}

package zone

import (
	"time"

	"github.com/sightlog/sightlog/event"
)

// The edge rule: somebody whose box touches the left or right edge of the picture when they
// are first seen came in through it, level with their feet, and somebody whose box touches
// it when they are last seen went out through it. A box touches an edge also from as far as
// somebody walks from one frame to the next. So a line within half a person's width of
// the edge counts people who are only ever seen on one side of it. The lower edge needs no
// rule: the feet of a box that it cuts are at the edge. At the upper edge there is none:
// a box that it cuts does not tell where somebody went.
const (
	atEdge  = 0.01        // a box touches an edge from so far, in parts of the frame's width,
	walking = 1.0         // and from so many of its heights more for each second between frames,
	longest = time.Second // of which one at most counts
)

// edgePoint returns where somebody is who left through the side edge that a box touches. gap
// is the time between two frames.
func edgePoint(b event.Box, frame event.Size, gap time.Duration) (p Point, touches bool) {
	width := float64(max(frame.Width, 1))
	p = footPoint(b, frame)
	near := atEdge*width + walking*float64(b[3]-b[1])*min(max(gap, 0), longest).Seconds()
	switch left, right := float64(b[0]) <= near, float64(b[2]) >= width-near; {
	case left == right: // none, or both
		return p, false
	case left:
		p.X = 0
	default:
		p.X = 1
	}
	return p, true
}

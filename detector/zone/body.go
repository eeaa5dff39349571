package zone

import (
	"math"
	"time"

	"github.com/sightlog/sightlog/event"
)

// Detectors see the upper part of a body alone now and then: behind a counter, in a crowd, or
// for no reason. The lower edge of such a box is at the waist, half a body away from the feet,
// so it tells of no line. The box is lower than the track's was, and its lower edge has
// moved more than its upper one.
const (
	part    = 0.7                    // of the usual height, below which a box may be of a part of a body
	adapts  = 20 * time.Second       // time constant with which the usual height gets less
	atOnce  = 600 * time.Millisecond // nobody comes so near in that time that the box grows by as much
	atFloor = 0.01                   // a box touches the lower edge from so far, in parts of the frame's height
)

// body is the usual height of a track's box.
type body struct {
	height float64   // 0: no box yet
	box    event.Box // the last one of the whole body
}

// see takes the next box and reports whether it shows the whole body, and whether those
// before did.
func (k *body) see(b event.Box, frame event.Size, since time.Duration) (whole, before bool) {
	h := float64(b[3] - b[1])
	usual := k.height * math.Exp(-float64(since)/float64(adapts))
	lowerMoved := math.Abs(float64(b[3]-k.box[3])) > math.Abs(float64(b[1]-k.box[1]))
	cut := float64(b[3]) >= (1-atFloor)*float64(frame.Height) // by the picture, and so at the feet
	whole = k.height == 0 || cut || !lowerMoved || h >= part*usual
	before = k.height == 0 || cut || !lowerMoved || h <= usual/part || since > atOnce
	k.height = max(h, usual)
	if whole {
		k.box = b
	}
	return whole, before
}

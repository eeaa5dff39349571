package zone

import (
	"time"

	"github.com/sightlog/sightlog/event"
)

// Crossing is what Find returns.
type Crossing = event.Crossing

// Find returns the crossings that are complete in a frame.
func (x *Crossings) Find(objs []event.Object, frame event.Size, pts time.Duration) []Crossing {
	return x.Events(&event.Sighting{Objects: objs, Frame: frame, PTS: pts.Microseconds()})
}

package stationary

import (
	"maps"
	"slices"
	"time"

	"github.com/sightlog/sightlog/event"
)

// Recall takes a frame of an earlier run, with the states that its objects had there: those
// that were things or people at rest are so at once. Times before the present run are
// negative.
func (m *Marker) Recall(objs []event.Object, pts time.Duration) {
	for i := range objs {
		o := objs[i]
		if o.TrackID == nil {
			continue
		}
		k := m.objects[*o.TrackID]
		if k == nil {
			k = m.begin(*o.TrackID, &o, pts)
		} else {
			m.follow(k, boxOf(o.Box), pts)
		}
		switch o.State {
		case event.StateThing:
			k.arrived, k.thing = false, m.opts.ThingAfter > 0
		case event.StateStationary:
			k.arrived, k.thing, k.restAt = true, false, min(k.restAt, pts-restAfter)
		case "":
			k.arrived, k.thing = true, false
		}
	}
	m.forget(pts)
}

// EndRun makes places of all objects, because another run numbers its tracks anew. With moved the camera may
// have been turned since: then only a track whose box is all but the same continues what was at a place.
func (m *Marker) EndRun(moved bool) {
	for _, id := range slices.Sorted(maps.Keys(m.objects)) {
		k := m.objects[id]
		k.doubtful = k.doubtful || moved
		if id > 0 {
			delete(m.objects, id)
			m.places--
			m.objects[m.places] = k
		}
	}
}

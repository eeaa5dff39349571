package stationary

import (
	"math"
	"time"

	"github.com/sightlog/sightlog/event"
)

// DefaultThingAfter is Options.ThingAfter's default.
const DefaultThingAfter = time.Minute

// Options are the settings of a Marker.
type Options struct {
	// ThingAfter is how long something has to be in sight without having moved to be taken
	// for a thing. Default a minute; below zero, nothing is.
	ThingAfter time.Duration
}

// A rock on vtest.avi that yolox_nano takes for a person shifts by .13 of its size in 79
// seconds; people who come and stand shift by .2 within a second or two.
const (
	smoothing   = 500 * time.Millisecond // time constant of the mean of a box
	leastMean   = 3                      // of at least so many boxes
	restAfter   = 10 * time.Second       // an object that has not moved for so long is stationary
	shifted     = 0.2                    // it has moved: both opposite edges, by this part of its size
	scaled      = 1.3                    // or its width and its height, by this factor
	samePlace   = 0.5                    // IoU from which a new track is at the place of one at rest
	sameThing   = 0.8                    // and at that of one that may be a thing
	forgetNew   = 10 * time.Minute
	forgetRest  = 10 * time.Minute
	forgetThing = 24 * time.Hour
	forgetOther = 10 * time.Second        // moving: its number may still come back
	longestGap  = 1500 * time.Millisecond // between two frames of which the time between is time in sight
	maxObjects  = 1024
)

// Marker sets the states of one camera's objects. It belongs to one goroutine.
type Marker struct {
	opts    Options
	objects map[int64]*object // by number of the track; a place without a track has a negative one
	places  int64
}

// object is a tracked object, or the place at which one was.
type object struct {
	label   string        // not the number of the class, which is another with another model
	seen    time.Duration // last
	sight   time.Duration // how long it has been in sight, over all tracks that it was
	box     box           // mean of the last ones
	boxes   int           // how many there were
	first   box           // the mean of its first ones
	firstAt time.Duration // when that began
	rest    box           // from which it has not moved since restAt
	restAt  time.Duration
	arrived bool // it has moved
	thing   bool
	// It was known before the camera was perhaps turned, and has not been seen since.
	doubtful bool
}

// New returns a Marker that has seen nothing.
func New(o Options) *Marker {
	if o.ThingAfter == 0 {
		o.ThingAfter = DefaultThingAfter
	}
	return &Marker{opts: o, objects: make(map[int64]*object)}
}

// Mark sets the State of each object of the frame at pts that has a track.
func (m *Marker) Mark(objs []event.Object, pts time.Duration) {
	for i := range objs {
		if o := &objs[i]; o.TrackID != nil {
			if k := m.objects[*o.TrackID]; k != nil {
				m.follow(k, boxOf(o.Box), pts)
			}
		}
	}
	for i := range objs {
		o := &objs[i]
		o.State = ""
		if o.TrackID == nil {
			continue
		}
		k := m.objects[*o.TrackID]
		if k == nil {
			k = m.begin(*o.TrackID, o, pts)
		}
		o.State = m.state(k, o)
	}
	m.forget(pts)
}

// begin adds the object of a track that begins. At the place of one that is not in sight it
// is that one.
func (m *Marker) begin(id int64, o *event.Object, pts time.Duration) *object {
	b := boxOf(o.Box)
	k := &object{label: o.Label, seen: pts, box: b, boxes: 1, first: b, firstAt: pts, rest: b, restAt: pts}
	if old := m.at(o.Label, b, pts); old != 0 {
		k = m.objects[old]
		delete(m.objects, old)
		k.seen, k.doubtful = pts, false // the time between is none in sight
	}
	m.objects[id] = k
	return k
}

// at returns the number of the object at a place: of those that are not in sight the one
// seen last, 0 if there is none.
func (m *Marker) at(label string, b box, pts time.Duration) (id int64) {
	var best *object
	for i, k := range m.objects {
		like := samePlace
		if !k.arrived && !k.thing || k.doubtful {
			like = sameThing
		}
		if k.label != label || k.seen == pts || pts-k.seen > k.keptFor() || k.arrived && !k.resting() || k.box.iou(b) < like {
			continue
		}
		if best == nil || k.seen > best.seen || k.seen == best.seen && i > id {
			id, best = i, k
		}
	}
	return id
}

// follow takes the next box of an object.
func (m *Marker) follow(k *object, b box, pts time.Duration) {
	gap := pts - k.seen
	k.boxes++
	newest := 1 - math.Exp(-float64(gap)/float64(smoothing))
	k.box = k.box.towards(b, max(1/float64(k.boxes), min(newest, 1./leastMean)))
	if !k.arrived && !k.thing && (k.boxes <= leastMean || pts-k.firstAt < smoothing) { // one box may be far off
		k.first, k.rest, k.restAt = k.box, k.box, pts
	}
	if gap <= longestGap { // else somebody may have come and sat down unseen
		k.sight += gap
	}
	k.seen = pts
	if k.box.movedFrom(k.rest) {
		k.rest, k.restAt = k.box, pts
	}
	if !k.arrived && k.box.movedFrom(k.first) {
		if k.thing { // somebody took over its number; the thing is where it was
			m.places--
			m.objects[m.places] = &object{label: k.label, seen: pts, sight: k.sight, box: k.first, first: k.first, rest: k.first, thing: true}
		}
		k.arrived, k.thing = true, false
	}
}

func (m *Marker) state(k *object, o *event.Object) string {
	switch {
	case k.thing:
		return event.StateThing
	case k.arrived && k.resting():
		return event.StateStationary
	case k.arrived:
		return ""
	case o.Label == event.Person && m.opts.ThingAfter > 0 && k.sight >= m.opts.ThingAfter:
		k.thing = true
		return event.StateThing
	}
	return event.StateNew
}

// resting reports whether the object had not moved for long when it was seen last.
func (k *object) resting() bool { return k.seen-k.restAt >= restAfter }

// keptFor is how long an object is remembered that is not in sight.
func (k *object) keptFor() time.Duration {
	switch {
	case k.thing:
		return forgetThing
	case !k.arrived:
		return forgetNew
	case k.resting():
		return forgetRest
	}
	return forgetOther
}

// forget removes what was not in sight for long, and all when time went back.
func (m *Marker) forget(pts time.Duration) {
	for id, k := range m.objects {
		if k.seen > pts || pts-k.seen > k.keptFor() {
			delete(m.objects, id)
		}
	}
	for len(m.objects) > maxObjects {
		var oldest int64
		for id, k := range m.objects {
			if o := m.objects[oldest]; o == nil || k.seen < o.seen || k.seen == o.seen && id < oldest {
				oldest = id
			}
		}
		delete(m.objects, oldest)
	}
}

// box is an event.Box that means can be taken of.
type box [4]float64

func boxOf(b event.Box) box {
	return box{float64(b[0]), float64(b[1]), float64(b[2]), float64(b[3])}
}

func (b box) towards(c box, part float64) box {
	for i := range b {
		b[i] += part * (c[i] - b[i])
	}
	return b
}

func (b box) width() float64  { return max(b[2]-b[0], 1) }
func (b box) height() float64 { return max(b[3]-b[1], 1) }

func (b box) iou(c box) float64 { return b.event().IoU(c.event()) }

func (b box) event() event.Box {
	return event.Box{float32(b[0]), float32(b[1]), float32(b[2]), float32(b[3])}
}

// movedFrom reports whether the object moved as a whole: across, up or down, or towards
// the camera or away from it.
func (b box) movedFrom(a box) bool {
	size := math.Sqrt(min(a.width()*a.height(), b.width()*b.height()))
	if math.Hypot(shift(b[0]-a[0], b[2]-a[2]), shift(b[1]-a[1], b[3]-a[3])) >= shifted*size {
		return true
	}
	w, h := b.width()/a.width(), b.height()/a.height()
	return min(w, h) >= scaled || max(w, h) <= 1/scaled
}

// shift is how far both edges moved in the same direction.
func shift(a, b float64) float64 {
	if a*b <= 0 {
		return 0
	}
	return min(math.Abs(a), math.Abs(b))
}

package track

import (
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/assign"
)

// Options are ByteTrack's thresholds. High has no default; a zero of the others is
// the default.
type Options struct {
	Low           float32 // objects below are noise; the detector's threshold. Default 0.1
	High          float32 // objects below are reported only where a track expects them
	NewTrackScore float32 // objects below begin no track. Default High + 0.1
	// MaxLost is how long a track lasts without a match, or without one of at least
	// High. Default 2 s; at least two frames.
	MaxLost time.Duration

	FirstID int64 // number of the first track; see FirstID. Default 1
}

// Low is the default threshold for a detector whose objects are tracked.
const Low = 0.1

// FirstID is the number to begin with when a run is continued at frame seq:
// no number given before is given again, because no frame begins 65,536
// tracks.
func FirstID(seq int64) int64 { return seq<<16 + 1 }

// tuning are the numbers that were chosen by measuring. None decides much: clip by clip, those
// that the other clips choose score as well (TestTracker_TunedOnOtherClips_AsGood).
type tuning struct {
	// Limits of an association, as costs: 1 - IoU, or 1 - IoU × score.
	first, second, tentative float64

	// doubled is the part of the smaller of two boxes, common to both, from which they are of
	// one person: another NMS, which knows what is tracked. Of rtmdet-nano-person's boxes on
	// vtest.avi it removes 40 of 50 second ones, and misses 3 people more of 4,476.
	doubled float64

	// unmatchedCost is what a track's similarity loses in the 1st association when the track
	// was not matched in the frame before. Of two people at one place the detector often
	// sees one only, whose box must not change between their numbers. It decides between
	// tracks that fit about equally well: at 0.4 lost tracks no longer come back (vtest.avi).
	unmatchedCost float64
}

var tuned = tuning{first: 0.8, second: 0.5, tentative: 0.7, doubled: 0.65, unmatchedCost: 0.1}

// step is the time in which the filters count.
const step = time.Second / 30

// track is one person, or an object taken for one.
type track struct {
	id         *int64 // nil while tentative; objects share it, so it never changes
	class      int
	motion     motion
	box        event.Box     // predicted for the current frame
	seenBox    event.Box     // of the object matched last
	posStdDev  [2]float32    // standard deviation of its position, across and down
	seen       time.Duration // matched last
	lastStrong time.Duration // matched last with an object of at least High
	frame      int64         // in which it was matched last
	lost       bool          // not matched in the frame before
}

// Tracker follows the objects of one camera. It belongs to one goroutine.
type Tracker struct {
	opts   Options
	tuning tuning
	next   int64
	tracks []*track // in the order of their beginning
	free   []*track
	frame  int64 // counts from 1
	last   time.Duration
	gap    time.Duration // between the two frames before; a slow camera's is longer than MaxLost

	assigner   assign.Solver
	cost       []float64
	strong     []int // indices of objects
	weak       []int
	candidates []*track
	ids        []*int64 // by object: its track's number, nil none
	taken      []bool   // by object: it has a track
	second     []bool   // by object: it is another's second box
}

// New returns a tracker that has seen nothing.
func New(o Options) *Tracker {
	if o.Low == 0 {
		o.Low = Low
	}
	if o.NewTrackScore == 0 {
		o.NewTrackScore = o.High + 0.1
	}
	if o.MaxLost == 0 {
		o.MaxLost = 2 * time.Second
	}
	if o.FirstID == 0 {
		o.FirstID = 1
	}
	return &Tracker{opts: o, tuning: tuned, next: o.FirstID}
}

// Update takes the objects of a frame of some size at pts, by falling score, and returns
// those to report: all with a score of at least High, except second boxes of a person
// who has a track, and weaker ones that a track expects. Those of a confirmed track have
// its number. It works in place and renumbers the objects.
func (t *Tracker) Update(objs []event.Object, frame event.Size, pts time.Duration) []event.Object {
	first := t.frame == 0
	t.frame++
	if first {
		t.last = pts
	}
	gap, maxLost := pts-t.last, max(t.opts.MaxLost, 2*t.gap)
	if gap < 0 || gap > maxLost {
		t.drop(func(*track) bool { return true }) // nothing to continue
	}
	t.last, t.gap = pts, gap
	dt := float64(gap) / float64(step)
	if gap == 0 { // a source that does not know its times
		dt = 1
	}
	for _, k := range t.tracks {
		k.motion.predict(dt, k.lost)
		k.box, k.posStdDev = k.motion.box(), k.motion.posStdDev()
	}
	t.ids, t.taken, t.second = grow(t.ids, len(objs)), grow(t.taken, len(objs)), grow(t.second, len(objs))
	t.strong, t.weak = t.strong[:0], t.weak[:0]
	for i := range objs {
		switch s := objs[i].Score; {
		case s >= t.opts.High:
			t.strong = append(t.strong, i)
		case s >= t.opts.Low:
			t.weak = append(t.weak, i)
		}
	}

	confirmed := func(k *track) bool { return k.id != nil }
	t.associate(objs, t.strong, confirmed, t.tuning.first, true, pts)
	t.associate(objs, t.weak, func(k *track) bool { return confirmed(k) && !k.lost }, t.tuning.second, false, pts)
	t.associate(objs, t.strong, func(k *track) bool { return !confirmed(k) }, t.tuning.tentative, true, pts)

	for _, k := range t.tracks {
		k.lost = k.frame != t.frame
	}
	t.drop(func(k *track) bool {
		return k.lost && (k.id == nil || pts-k.seen > maxLost || hasLeft(k.box, frame)) || pts-k.lastStrong > maxLost
	})
	t.beginTracks(objs, first, pts)
	return t.report(objs)
}

// similarity is how well a strong object fits a track, 0 to 1. Both boxes are widened by
// the standard deviation of the track's position.
func (k *track) similarity(o *event.Object, unmatchedCost float64) float64 {
	s := widened(k.box, k.posStdDev).IoU(widened(o.Box, k.posStdDev)) * float64(o.Score)
	if k.lost {
		s *= 1 - unmatchedCost
	}
	return s
}

// covered returns how much of a box one of the other confirmed tracks of its class covers
// at most, 0 to 1.
func (t *Tracker) covered(b event.Box, of *track) float64 {
	most, area := 0.0, b.Area()
	for _, k := range t.tracks {
		if k != of && k.class == of.class && k.id != nil && area > 0 {
			most = max(most, k.box.Intersection(b)/area)
		}
	}
	return most
}

// double reports whether an object without a track is on a person who has a box already in
// this frame: most of the smaller box is in the other.
func (t *Tracker) double(o *event.Object) bool {
	for _, k := range t.tracks {
		if k.class == o.ClassID && k.id != nil && k.frame == t.frame &&
			k.seenBox.Intersection(o.Box) >= t.tuning.doubled*min(k.seenBox.Area(), o.Box.Area()) {
			return true
		}
	}
	return false
}

// associate pairs objects that have no track yet with tracks that have no
// object yet in this frame.
func (t *Tracker) associate(objs []event.Object, which []int, of func(*track) bool, limit float64, strong bool, pts time.Duration) {
	t.candidates = t.candidates[:0]
	for _, k := range t.tracks {
		if k.frame != t.frame && of(k) {
			t.candidates = append(t.candidates, k)
		}
	}
	if len(t.candidates) == 0 || len(which) == 0 {
		return
	}
	t.cost = grow(t.cost, len(t.candidates)*len(which))
	for a, k := range t.candidates {
		for b, i := range which {
			o := &objs[i]
			c := 2.0 // above every limit
			if o.ClassID == k.class && !t.taken[i] {
				if strong {
					c = 1 - k.similarity(o, t.tuning.unmatchedCost)
				} else {
					c = 1 - k.box.IoU(o.Box)
				}
			}
			t.cost[a*len(which)+b] = c
		}
	}
	for a, b := range t.assigner.Assign(t.cost, len(t.candidates), len(which), limit) {
		if b < 0 {
			continue
		}
		k, i := t.candidates[a], which[b]
		k.motion.correct(objs[i].Box, t.covered(objs[i].Box, k))
		k.seen, k.frame, k.seenBox = pts, t.frame, objs[i].Box
		if strong {
			k.lastStrong = pts
		}
		if k.id == nil {
			k.id = t.number()
		}
		t.taken[i], t.ids[i] = true, k.id
	}
}

func (t *Tracker) number() *int64 {
	id := t.next
	t.next++
	return &id
}

// beginTracks begins tracks with the strong objects that have none, except second boxes.
// In the first frame all are confirmed.
func (t *Tracker) beginTracks(objs []event.Object, first bool, pts time.Duration) {
	for _, i := range t.strong {
		if t.taken[i] {
			continue
		}
		if t.second[i] = t.double(&objs[i]); t.second[i] || objs[i].Score < t.opts.NewTrackScore {
			continue
		}
		if k := t.begin(&objs[i], pts); first {
			k.id = t.number()
			t.ids[i] = k.id
		}
	}
}

func (t *Tracker) begin(o *event.Object, pts time.Duration) *track {
	var k *track
	if n := len(t.free); n > 0 {
		k, t.free = t.free[n-1], t.free[:n-1]
	} else {
		k = new(track)
	}
	*k = track{class: o.ClassID, motion: newMotion(o.Box), seenBox: o.Box, seen: pts, lastStrong: pts, frame: t.frame}
	t.tracks = append(t.tracks, k)
	return k
}

func (t *Tracker) drop(which func(*track) bool) {
	rest := t.tracks[:0]
	for _, k := range t.tracks {
		if which(k) {
			t.free = append(t.free, k)
		} else {
			rest = append(rest, k)
		}
	}
	t.tracks = rest
}

// report returns the strong objects that are not second boxes, and those that a track
// expects.
func (t *Tracker) report(objs []event.Object) []event.Object {
	rest := objs[:0]
	for i := range objs {
		o := objs[i]
		o.TrackID = t.ids[i]
		if o.TrackID == nil && (o.Score < t.opts.High || t.second[i]) {
			continue
		}
		o.Index = len(rest)
		rest = append(rest, o)
	}
	return rest
}

// hasLeft reports whether a box is for the most part outside the picture, or behind its edge.
func hasLeft(b event.Box, frame event.Size) bool {
	picture := event.Box{0, 0, float32(frame.Width), float32(frame.Height)}
	return b.Intersection(picture) < b.Area()/2
}

func widened(b event.Box, by [2]float32) event.Box {
	return event.Box{b[0] - by[0], b[1] - by[1], b[2] + by[0], b[3] + by[1]}
}

// grow returns s with length n, zeroed.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, 2*n)
	}
	s = s[:n]
	clear(s)
	return s
}

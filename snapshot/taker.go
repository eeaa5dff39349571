package snapshot

import (
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/preview"
)

// The pace of a track's pictures, by the positions of its frames.
const (
	lookEvery  = 400 * time.Millisecond // between two pictures that are compared
	firstAfter = 3 * time.Second        // a track in sight so long has its first picture sent
	againAfter = 10 * time.Second       // and a better one so long after each
	endedAfter = 3 * time.Second        // out of sight so long, it has ended (it may have been lost for two)
)

// Taker takes the pictures of one run of a camera. It belongs to the camera's goroutine. The nil
// Taker takes none.
type Taker struct {
	worker *Worker
	tracks map[int64]*trackState
	stills *stills    // nil: the camera has no lines
	times  *stretches // nil: none are kept
}

type trackState struct {
	about       event.Snapshot // its last appearance
	first, seen time.Duration
	looked      time.Duration
	sent        time.Duration // when its best was last to be sent
	worth       float64       // the most of those that were looked at
	known       bool          // one of its pictures was handed over
}

// Taker returns the taker of a run, with pictures of crossings where it has lines, and of so many
// stretches of time a day.
func (w *Worker) Taker(shapes []event.Shape, aDay int) *Taker {
	if w == nil {
		return nil
	}
	t := &Taker{worker: w, tracks: make(map[int64]*trackState)}
	part, lines := aroundLines(shapes)
	if lines {
		t.stills = new(stills)
	}
	if lines && aDay > 0 {
		t.times = &stretches{aDay: aDay, part: part, seen: -time.Hour}
	}
	return t
}

// Frame looks at the frame of a sighting, and at the events that the sighting completes.
func (t *Taker) Frame(f *ingest.Frame, s *event.Sighting, veil *preview.Veil, completes []event.Derived) {
	if t == nil {
		return
	}
	now := time.Duration(s.PTS) * time.Microsecond
	for i := range s.Objects {
		if o := &s.Objects[i]; o.TrackID != nil && o.State != event.StateThing {
			t.object(f, s, o, veil, now)
		}
	}
	for id, k := range t.tracks {
		switch {
		case now-k.seen > endedAfter || now < k.seen:
			if t.worker.offer(job{kind: forget, about: k.about}) {
				delete(t.tracks, id)
			}
		case now-k.sent >= againAfter && k.known, k.sent == k.first && now-k.first >= firstAfter && k.known:
			if t.worker.offer(job{kind: publish, about: k.about}) {
				k.sent = now
			}
		}
	}
	if t.stills != nil {
		t.stills.frame(len(t.tracks) > 0, f, s, veil, now)
		for _, e := range completes {
			if x, is := e.(*event.Crossing); is {
				t.crossed(x, now)
			}
		}
		t.stills.due(t.worker, now)
	}
	if t.times != nil {
		t.times.frame(t.worker, f, s, veil, now)
	}
}

// object looks at an object, if it may give a better picture than those before.
func (t *Taker) object(f *ingest.Frame, s *event.Sighting, o *event.Object, veil *preview.Veil, now time.Duration) {
	k := t.tracks[*o.TrackID]
	if k == nil {
		k = &trackState{first: now, sent: now, looked: now - lookEvery}
		t.tracks[*o.TrackID] = k
	}
	k.seen = now
	k.about = about(s, o)
	w := worth(o, s.Frame)
	// Sharpness can make up for a third of the size, hardly for more.
	if now-k.looked < lookEvery || w < 0.7*k.worth {
		return
	}
	k.looked = now
	region := around(o.Box, s.Frame, 0.15)
	picture, err := cut(&f.Image, s.Frame, region, maxWidth, maxHeight)
	if err != nil {
		picture.Close()
		return
	}
	c := k.about
	c.Region = boxOf(region)
	if t.worker.offer(job{kind: candidate, about: c, worth: w, picture: picture, veil: veil}) {
		k.worth, k.known = max(k.worth, w), true
	}
}

// about describes an object in the frame of a sighting.
func about(s *event.Sighting, o *event.Object) event.Snapshot {
	return event.Snapshot{
		Camera: s.Camera, Run: s.Run, TrackID: *o.TrackID, Crossing: event.BestOfTrack, Seq: s.Seq, SourceKind: s.SourceKind,
		CapturedAt: s.CapturedAt, Model: s.Model, Score: o.Score, Box: o.Box, Frame: s.Frame,
	}
}

// End sends what is left. It waits for the worker, which does not wait for anybody.
func (t *Taker) End() {
	if t == nil {
		return
	}
	if t.stills != nil {
		t.stills.end(t.worker)
	}
	if t.times != nil {
		t.times.end(t.worker)
	}
	for _, k := range t.tracks {
		t.worker.jobs <- job{kind: forget, about: k.about}
	}
	t.tracks = nil
}

// crossed has pictures taken of a crossing that is complete now: before, at and after the moment at which
// its track was last in sight. A crossing at the edge is complete a while after that.
func (t *Taker) crossed(x *event.Crossing, now time.Duration) {
	k := t.tracks[x.TrackID]
	if k == nil || now-k.seen > keepStills {
		return
	}
	for _, step := range []int{-1, 0, 1} {
		c := k.about
		c.Crossing, c.Step = x.Seq, step
		c.Region = boxOf(around(c.Box, c.Frame, 1))
		t.stills.wanted = append(t.stills.wanted, wantedStill{about: c, at: k.seen + time.Duration(step)*stepTime})
	}
}

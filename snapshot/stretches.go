package snapshot

import (
	"image"
	"slices"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/preview"
)

// stretchSide is the longer side of a picture of a stretch, and lineMargin how much of the frame it
// shows around the lines, in parts of the frame.
const (
	stretchSide = 640
	lineMargin  = .25
)

// stretches takes pictures of the stretches of a run that event.StretchDrawn draws. The worker holds
// those of a stretch until it is over: they are sent if somebody was in sight in it or
// event.StretchReach around it, which an audit may ask, and if none of them was dropped.
type stretches struct {
	aDay int
	part [4]float64    // of the frame: left, top, right, bottom
	open []*stretch    // the one in progress, and those that have ended and are not settled
	seen time.Duration // when somebody was in sight last
}

// stretch is one whose pictures are being taken.
type stretch struct {
	about    event.Snapshot // of its last picture
	last     int            // number of that picture; -1 before one
	somebody bool           // was in sight
	dropped  bool           // one of its pictures
}

// aroundLines returns the part of the frame to show, and whether there are lines.
func aroundLines(shapes []event.Shape) (part [4]float64, lines bool) {
	part = [4]float64{1, 1, 0, 0}
	for _, s := range shapes {
		for _, p := range s.Points {
			if s.Kind == event.ShapeLine {
				lines = true
				part[0], part[1] = min(part[0], p[0]-lineMargin), min(part[1], p[1]-lineMargin)
				part[2], part[3] = max(part[2], p[0]+lineMargin), max(part[3], p[1]+lineMargin)
			}
		}
	}
	return [4]float64{max(0, part[0]), max(0, part[1]), min(1, part[2]), min(1, part[3])}, lines
}

// frame takes the picture that is due, and settles the stretches that are over.
func (t *stretches) frame(w *Worker, f *ingest.Frame, s *event.Sighting, veil *preview.Veil, now time.Duration) {
	if slices.ContainsFunc(s.Objects, func(o event.Object) bool { return o.State != event.StateThing }) {
		t.seen = now
	}
	number := int64(now / event.StretchLength)
	if n := len(t.open); event.StretchDrawn(s.Run, number, t.aDay) && (n == 0 || t.open[n-1].about.Crossing != number) {
		t.open = append(t.open, &stretch{about: event.Snapshot{Run: s.Run, Crossing: number}, last: -1})
	}
	t.open = slices.DeleteFunc(t.open, func(x *stretch) bool {
		begin := time.Duration(x.about.Crossing) * event.StretchLength
		end := begin + event.StretchLength
		x.somebody = x.somebody || t.seen >= begin-event.StretchReach && t.seen < end+event.StretchReach
		if now < end {
			x.picture(w, t.region(s.Frame), f, s, veil, int((now-begin)/event.StretchEvery))
			return false
		}
		return (x.somebody || now >= end+event.StretchReach) && w.offer(x.settled())
	})
}

// region is the part of a frame that pictures show.
func (t *stretches) region(frame event.Size) image.Rectangle {
	w, h := float64(frame.Width), float64(frame.Height)
	return image.Rect(int(t.part[0]*w), int(t.part[1]*h), int(t.part[2]*w), int(t.part[3]*h))
}

// picture takes the picture of a number, if it was not taken.
func (x *stretch) picture(w *Worker, region image.Rectangle, f *ingest.Frame, s *event.Sighting, veil *preview.Veil, number int) {
	if number <= x.last || x.dropped {
		return
	}
	x.last = number
	x.about = event.Snapshot{
		Camera: s.Camera, Run: s.Run, TrackID: event.StretchTrack, Crossing: x.about.Crossing, Step: number, Seq: s.Seq, SourceKind: s.SourceKind,
		CapturedAt: s.CapturedAt, Model: s.Model, Region: boxOf(region), Frame: s.Frame,
	}
	picture, err := cut(&f.Image, s.Frame, region, stretchSide, stretchSide)
	if err != nil {
		picture.Close()
		x.dropped = true
		return
	}
	x.dropped = !w.offer(job{kind: hold, about: x.about, picture: picture, veil: veil})
}

// settled is the job that ends a stretch.
func (x *stretch) settled() job {
	if x.somebody && !x.dropped {
		return job{kind: release, about: x.about}
	}
	return job{kind: discard, about: x.about}
}

// end settles what is left.
func (t *stretches) end(w *Worker) {
	for _, x := range t.open {
		w.jobs <- x.settled()
	}
	t.open = nil
}

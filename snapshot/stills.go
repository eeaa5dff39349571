package snapshot

import (
	"slices"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/preview"
)

// Of the last keepStills one frame every stillEvery is kept, its longer side stillSide pixels, while
// somebody is in sight: 2 MB a camera. The pictures of a crossing are stepTime apart.
const (
	stillEvery = 350 * time.Millisecond
	keepStills = 3 * time.Second
	stepTime   = 700 * time.Millisecond
	stillSide  = 480
)

// stills are the last frames of a camera that has lines, and the pictures that are wanted of them.
type stills struct {
	kept   []still
	wanted []wantedStill
}

// still is a frame that was kept.
type still struct {
	at       time.Duration
	image    gocv.Mat
	veil     *preview.Veil
	seq      int64
	captured event.Time
	frame    event.Size
	objects  []event.Object
}

// wantedStill is a picture of a crossing that is to be taken from the still of a moment.
type wantedStill struct {
	about event.Snapshot
	at    time.Duration
}

// frame keeps a frame if it is due and somebody is in sight.
func (st *stills) frame(somebody bool, f *ingest.Frame, s *event.Sighting, veil *preview.Veil, now time.Duration) {
	st.kept = slices.DeleteFunc(st.kept, func(k still) bool {
		old := now-k.at > keepStills || now < k.at
		if old {
			k.image.Close()
		}
		return old
	})
	if n := len(st.kept); !somebody || n > 0 && now-st.kept[n-1].at < stillEvery {
		return
	}
	small, err := smaller(&f.Image)
	if err != nil {
		small.Close()
		return
	}
	st.kept = append(st.kept, still{at: now, image: small, veil: veil, seq: s.Seq, captured: s.CapturedAt, frame: s.Frame, objects: s.Objects})
}

// due takes the pictures whose moment has come.
func (st *stills) due(w *Worker, now time.Duration) {
	st.wanted = slices.DeleteFunc(st.wanted, func(x wantedStill) bool {
		if x.at > now {
			return false
		}
		st.take(w, x)
		return true
	})
}

// take hands over the part of the nearest still.
func (st *stills) take(w *Worker, x wantedStill) {
	if len(st.kept) == 0 {
		return
	}
	k := slices.MinFunc(st.kept, func(a, b still) int { return int((a.at - x.at).Abs() - (b.at - x.at).Abs()) })
	c := x.about
	c.Seq, c.CapturedAt, c.Box, c.Score = k.seq, k.captured, event.Box{}, 0
	for i := range k.objects {
		if o := &k.objects[i]; o.TrackID != nil && *o.TrackID == c.TrackID {
			c.Box, c.Score = o.Box, o.Score
		}
	}
	if k.frame != c.Frame {
		return // the source has changed its size
	}
	picture, err := cut(&k.image, k.frame, rectangle(c.Region), maxWidth, maxHeight)
	if err != nil {
		picture.Close()
		return
	}
	w.offer(job{kind: crossing, about: c, picture: picture, veil: k.veil})
}

// end takes what is still wanted from what there is.
func (st *stills) end(w *Worker) {
	for _, x := range st.wanted {
		st.take(w, x)
	}
	for _, k := range st.kept {
		k.image.Close()
	}
	st.kept, st.wanted = nil, nil
}

// smaller returns a copy of a frame to be kept for a while.
func smaller(m *gocv.Mat) (gocv.Mat, error) {
	out := gocv.NewMat()
	return out, shrink(*m, &out, stillSide, stillSide)
}

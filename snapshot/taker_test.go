package snapshot

import (
	"image"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/preview"
)

// album keeps what a worker sends.
type album struct {
	mu  sync.Mutex // guards the following
	all []event.Snapshot
}

func (a *album) add(s *event.Snapshot) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, *s)
	return nil
}

// best returns the last picture that was sent of a track.
func (a *album) best(t *testing.T, track int64) *event.Snapshot {
	t.Helper()
	var last *event.Snapshot
	for i := range a.all {
		if a.all[i].TrackID == track && a.all[i].Crossing == event.BestOfTrack {
			last = &a.all[i]
		}
	}
	require.NotNil(t, last, "no picture of track %d in %d", track, len(a.all))
	return last
}

// film shows frames to a taker, 200 ms apart.
type film struct {
	*testing.T
	taker *Taker
	seq   int64
}

var size = event.Size{Width: 640, Height: 480}

// show shows a frame of noise that is blurred by so many pixels, with one object; an empty box: with none.
func (f *film) show(box event.Box, score float32, blur int, events ...event.Derived) {
	f.Helper()
	frame := frametest.Noise(f.T, size.Width, size.Height)
	if blur > 0 {
		require.NoError(f, gocv.Blur(frame.Image, &frame.Image, image.Pt(blur, blur)))
	}
	f.showFrame(frame, box, score, events...)
}

func (f *film) showFrame(frame *ingest.Frame, box event.Box, score float32, events ...event.Derived) {
	f.Helper()
	id := int64(1)
	s := &event.Sighting{Camera: "porch", Run: "r1", Seq: f.seq, PTS: f.seq * 200_000, Frame: size, CapturedAt: event.At(time.Unix(1e9+f.seq, 0))}
	if box != (event.Box{}) {
		s.Objects = []event.Object{{Label: "person", Score: score, Box: box, TrackID: &id}}
	}
	veil := preview.NewGuard(preview.PrivacyOff, 0, nil).Veil(nil, size, 0)
	f.taker.Frame(frame, s, veil, events)
	f.seq++
}

func newFilm(t *testing.T, lines bool) (*film, *album, *Worker) {
	t.Helper()
	a := new(album)
	w := NewWorker(a.add, slog.New(slog.DiscardHandler))
	var shapes []event.Shape
	if lines {
		shapes = gate
	}
	return &film{T: t, taker: w.Taker(shapes, 0)}, a, w
}

// gate is a line in the middle.
var gate = []event.Shape{{Kind: event.ShapeLine, Name: "gate", Points: [][2]float64{{.5, .4}, {.5, 1}}}}

// finish ends run and worker.
func (f *film) finish(w *Worker) {
	f.Helper()
	f.taker.End()
	w.Close()
	require.Zero(f, w.Dropped())
}

var large = event.Box{100, 100, 200, 300}

func TestTaker_PicturesOfATrack_SharpLargeSureAndWholeIsBest(t *testing.T) {
	t.Parallel()
	type shot struct {
		box   event.Box
		score float32
		blur  int
	}
	good := shot{large, .9, 0}
	for name, worse := range map[string]shot{
		"blurred":          {large, .9, 9},
		"small":            {event.Box{100, 100, 160, 250}, .9, 0},
		"unsure":           {large, .65, 0},
		"cut by the frame": {event.Box{0, 80, 110, 310}, .9, 0},
	} {
		for at := range 3 { // the good one comes first, in the middle, last
			f, a, w := newFilm(t, false)
			for i := range 9 {
				show := worse
				if i == 3*at {
					show = good
				}
				f.show(show.box, show.score, show.blur)
				f.show(event.Box{}, 0, 0) // so that each of the others is due
			}
			f.finish(w)
			require.EqualValues(t, 6*at, a.best(t, 1).Seq, "%s, good at %d", name, at)
		}
	}
}

func TestTaker_TrackInSight_SendsEarlyThenRarely(t *testing.T) {
	t.Parallel()
	f, a, w := newFilm(t, false)
	for range 150 { // 30 s of one who stands still
		f.show(large, .9, 0)
	}
	f.finish(w)
	require.Len(t, a.all, 1, "no better one came")
	require.LessOrEqual(t, a.all[0].Seq, int64(15))

	f, a, w = newFilm(t, false)
	for i := range 150 { // who comes nearer all the time
		f.show(event.Box{100, 100, 150, 130 + float32(i)}, .9, 0)
	}
	f.finish(w)
	require.Greater(t, len(a.all), 2)
	require.LessOrEqual(t, len(a.all), 5)
	for i := 1; i < len(a.all); i++ {
		require.Greater(t, a.all[i].Quality, a.all[i-1].Quality)
	}
}

func TestTaker_TrackOutOfSight_SendsAndForgets(t *testing.T) {
	t.Parallel()
	f, a, w := newFilm(t, false)
	f.show(large, .9, 0)
	for range 20 {
		f.show(event.Box{}, 0, 0)
	}
	require.Empty(t, f.taker.tracks)
	f.finish(w)
	require.Len(t, a.all, 1)
	require.Empty(t, w.best)
}

func TestTaker_Picture_IsSmallJPEGWithMargin(t *testing.T) {
	t.Parallel()
	f, a, w := newFilm(t, false)
	f.show(event.Box{100, 20, 300, 460}, .9, 0)
	f.finish(w)
	s := a.best(t, 1)
	require.NoError(t, func() error { s.SchemaVersion = event.SchemaVersion; return s.Validate() }())
	m, err := gocv.IMDecode(s.JPEG, gocv.IMReadColor)
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, s.Size, event.Size{Width: m.Cols(), Height: m.Rows()})
	require.Equal(t, 320, m.Rows())
	require.Equal(t, event.Box{34, 0, 366, 480}, s.Region)
}

func TestTaker_Crossing_BeforeAtAndAfter(t *testing.T) {
	t.Parallel()
	f, a, w := newFilm(t, true)
	for i := range 20 {
		var events []event.Derived
		if i == 10 {
			events = []event.Derived{&event.Crossing{Run: "r1", Seq: 10, TrackID: 1}}
		}
		f.show(event.Box{100 + 5*float32(i), 100, 200 + 5*float32(i), 300}, .9, 0, events...)
	}
	f.finish(w)
	var steps []int
	var seqs []int64
	for _, s := range a.all {
		if s.Crossing == 10 {
			steps, seqs = append(steps, s.Step), append(seqs, s.Seq)
			require.EqualValues(t, 100+5*s.Seq, s.Box[0], "the box is that of its own frame")
		}
	}
	require.Equal(t, []int{-1, 0, 1}, steps)
	require.InDelta(t, 6.5, float64(seqs[0]), 1.5)
	require.InDelta(t, 10, float64(seqs[1]), 1)
	require.InDelta(t, 13.5, float64(seqs[2]), 1.5)
}

// A worker that is held up holds up no camera: pictures are dropped and counted.
func TestTaker_WorkerHeldUp_DropsAndDoesNotWait(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := NewWorker(func(*event.Snapshot) error { <-hold; return nil }, slog.New(slog.DiscardHandler))
	f := &film{T: t, taker: w.Taker(nil, 0)}
	w.jobs <- job{kind: candidate, about: event.Snapshot{Run: "x"}, worth: 1, picture: frametest.Noise(t, 40, 40).Image.Clone()}
	w.jobs <- job{kind: forget, about: event.Snapshot{Run: "x"}} // held up from here
	frame := frametest.Noise(t, size.Width, size.Height)
	for range 2 * queued * 3 {
		f.showFrame(frame, large, .9)
	}
	require.Positive(t, w.Dropped())
	close(hold)
	f.taker.End()
	w.Close()
}

func TestWorker_PeopleThatCannotBeHidden_AreNotSent(t *testing.T) {
	t.Parallel()
	a := new(album)
	w := NewWorker(a.add, slog.New(slog.DiscardHandler))
	broken := preview.NewGuard(preview.PrivacyPeople, .4, nil).Veil(nil, event.Size{}, 0)
	w.jobs <- job{kind: candidate, about: event.Snapshot{Run: "x", Region: event.Box{0, 0, 40, 40}, Box: event.Box{0, 0, 40, 40}}, worth: 1, picture: frametest.Noise(t, 40, 40).Image.Clone(), veil: broken}
	w.jobs <- job{kind: forget, about: event.Snapshot{Run: "x"}}
	w.Close()
	require.Empty(t, a.all)
}

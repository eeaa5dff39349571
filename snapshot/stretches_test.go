package snapshot

import (
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/preview"
)

// day shows frames of a run, 250 ms apart for so long, with an object of a state where there says so, and
// returns the pictures of stretches that were sent.
func day(t *testing.T, run string, aDay int, long time.Duration, state string, there func(at time.Duration) bool) (all []event.Snapshot) {
	t.Helper()
	a := new(album)
	w := NewWorker(a.add, slog.New(slog.DiscardHandler))
	taker := w.Taker(gate, aDay)
	frame := frametest.Noise(t, size.Width, size.Height)
	for n, at := int64(0), time.Duration(0); at < long; n, at = n+1, at+250*time.Millisecond {
		s := &event.Sighting{Camera: "porch", Run: run, Seq: n, PTS: at.Microseconds(), Frame: size, CapturedAt: event.At(time.Unix(1e9, 0).Add(at))}
		if there(at) {
			s.Objects = []event.Object{{Label: "person", Score: .9, Box: large, State: state}}
		}
		taker.Frame(frame, s, preview.NewGuard(preview.PrivacyOff, 0, nil).Veil(nil, size, 0), nil)
		for len(w.jobs) > queued/2 { // a camera shows fewer frames a second than this
			runtime.Gosched()
		}
	}
	taker.End()
	w.Close()
	require.Zero(t, w.Dropped())
	require.Empty(t, w.held)
	for _, s := range a.all {
		if s.TrackID == event.StretchTrack {
			all = append(all, s)
		}
	}
	return all
}

// numbers are the stretches that pictures are of.
func numbers(all []event.Snapshot) (k []int64) {
	for _, s := range all {
		k = append(k, s.Crossing)
	}
	slices.Sort(k)
	return slices.Compact(k)
}

func TestStretches_SomebodyInOrAroundThem_PicturesOfTheWholeStretch(t *testing.T) {
	t.Parallel()
	seen := func(at time.Duration) bool { return at >= 11500*time.Millisecond && at < 12*time.Second }
	all := day(t, "r1", event.StretchesADay, 35*time.Second, "", seen)
	require.Equal(t, []int64{0, 1}, numbers(all), "in the one, and two seconds after the other")
	require.Len(t, all, 40)
	for i, s := range all {
		require.Equal(t, i%20, s.Step)
		s.SchemaVersion = event.SchemaVersion
		require.NoError(t, s.Validate())
		at := s.CapturedAt.Sub(time.Unix(1e9, 0))
		require.Equal(t, time.Duration(s.Crossing)*event.StretchLength+time.Duration(s.Step)*event.StretchEvery, at)
		require.Equal(t, event.Box{160, 72, 480, 480}, s.Region, "a quarter of the frame around the line")
		m, err := gocv.IMDecode(s.JPEG, gocv.IMReadColor)
		require.NoError(t, err)
		require.Equal(t, []int{320, 408}, []int{m.Cols(), m.Rows()})
		require.NoError(t, m.Close())
	}

	before := func(at time.Duration) bool { return at >= 18*time.Second && at < 19*time.Second }
	require.Equal(t, []int64{1, 2}, numbers(day(t, "r1", event.StretchesADay, 35*time.Second, "", before)))
}

func TestStretches_NobodyOrThings_None(t *testing.T) {
	t.Parallel()
	always := func(time.Duration) bool { return true }
	require.Empty(t, day(t, "r1", event.StretchesADay, 25*time.Second, "", func(time.Duration) bool { return false }))
	require.Empty(t, day(t, "r1", event.StretchesADay, 25*time.Second, event.StateThing, always))
	require.Empty(t, day(t, "r1", 0, 25*time.Second, "", always), "they are switched off")
}

func TestStretches_SomeADay_ThoseThatAreDrawn(t *testing.T) {
	t.Parallel()
	const aDay, stretches = 2000, 40
	var want []int64
	for k := range int64(stretches) {
		if event.StretchDrawn("r2", k, aDay) {
			want = append(want, k)
		}
	}
	require.Greater(t, len(want), 3)
	require.Less(t, len(want), stretches/2)
	all := day(t, "r2", aDay, stretches*event.StretchLength, "", func(time.Duration) bool { return true })
	require.Equal(t, want, numbers(all))
}

// A stretch of which a picture was dropped has none: it would look as if nobody had come.
func TestStretches_PictureDropped_StretchIsLeftOut(t *testing.T) {
	t.Parallel()
	w := &Worker{jobs: make(chan job, 5)} // nobody takes them
	taker := w.Taker(gate, event.StretchesADay)
	frame := frametest.Noise(t, size.Width, size.Height)
	for n := range int64(20) {
		s := &event.Sighting{Camera: "porch", Run: "r1", Seq: n, PTS: n * 500_000, Frame: size, Objects: []event.Object{{Label: "person", Box: large}}}
		taker.Frame(frame, s, nil, nil)
	}
	require.EqualValues(t, 1, w.Dropped(), "and no more of it are taken")
	require.Equal(t, discard, taker.times.open[0].settled().kind)
	for range 5 {
		j := <-w.jobs
		require.Equal(t, hold, j.kind)
		j.picture.Close()
	}
	taker.End()
	require.Equal(t, discard, (<-w.jobs).kind)
}

// Pictures of which people cannot be hidden are not sent.
func TestStretches_PeopleThatCannotBeHidden_NotSent(t *testing.T) {
	t.Parallel()
	a := new(album)
	w := NewWorker(a.add, slog.New(slog.DiscardHandler))
	taker := w.Taker(gate, event.StretchesADay)
	broken := preview.NewGuard(preview.PrivacyPeople, .4, nil).Veil(nil, event.Size{}, 0)
	s := &event.Sighting{Camera: "porch", Run: "r1", Frame: size, Objects: []event.Object{{Label: "person", Box: large}}}
	taker.Frame(frametest.Noise(t, size.Width, size.Height), s, broken, nil)
	taker.End()
	w.Close()
	require.Empty(t, a.all)
}

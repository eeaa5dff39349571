package track_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
)

// room is a picture that nobody leaves.
var room = event.Size{Width: 10_000, Height: 10_000}

// person is a box of 40x100 with its left top corner at x, y.
func person(x, y, score float32) event.Object {
	return event.Object{Label: "person", Score: score, Box: event.Box{x, y, x + 40, y + 100}}
}

func ids(objs []event.Object) []int64 {
	var all []int64
	for _, o := range objs {
		if o.TrackID == nil {
			all = append(all, 0)
		} else {
			all = append(all, *o.TrackID)
		}
	}
	return all
}

const interval = 100 * time.Millisecond

// Somebody who walks out of the picture does not come back as whoever comes in there next, as
// somebody who is hidden in it for as long does.
func TestUpdate_LeavesThePicture_TheNextIsAnother(t *testing.T) {
	t.Parallel()
	for wide, want := range map[int]int64{500: 2, 5000: 1} {
		tr := track.New(track.Options{High: 0.5})
		frame := event.Size{Width: wide, Height: 400}
		at := time.Duration(0)
		show := func(objs ...event.Object) []int64 {
			at += interval
			return ids(tr.Update(objs, frame, at))
		}
		x := float32(300)
		for ; x < 480; x += 10 {
			o := person(x, 50, .8)
			o.Box[2] = min(o.Box[2], float32(wide))
			require.Equal(t, []int64{1}, show(o))
		}
		for range 10 { // behind the edge, or a pillar
			x += 10
			show()
		}
		if wide == 500 {
			x = 455
		}
		show(person(x, 50, .8))
		require.Equal(t, []int64{want}, show(person(x, 50, .8)), "%d wide", wide)
	}
}

func TestUpdate_PeopleCross_NumbersFollow(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3})
	for i := range 40 {
		x := float32(10 * i)
		// One walks to the right, one to the left and a little lower; the order
		// of the objects changes when their scores do.
		a, b := person(x, 50, .8), person(400-x, 85, .7)
		if i%3 == 0 {
			b.Score = .9
			a, b = b, a
		}
		got := tr.Update([]event.Object{a, b}, room, time.Duration(i)*interval)
		require.Len(t, got, 2)
		for k, o := range got {
			require.Equal(t, k, o.Index)
			require.NotNil(t, o.TrackID)
			want := int64(2) // frame 0 has them in the order b, a
			if o.Box[1] == 85 {
				want = 1
			}
			require.Equal(t, want, *o.TrackID, "frame %d", i)
		}
	}
}

func TestUpdate_Occlusion_NumberSurvivesAShortOneOnly(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3, MaxLost: time.Second})
	at := func(i int, objs ...event.Object) []int64 {
		return ids(tr.Update(objs, room, time.Duration(i)*interval))
	}
	for i := range 10 {
		require.Equal(t, []int64{1}, at(i, person(float32(8*i), 50, .8)))
	}
	for i := 10; i < 18; i++ {
		require.Empty(t, at(i))
	}
	require.Equal(t, []int64{1}, at(18, person(8*18, 50, .8)), "eight frames behind a pillar")
	for i := 19; i < 40; i++ {
		require.Empty(t, at(i))
	}
	require.Equal(t, []int64{0}, at(40, person(8*40, 50, .8)), "tentative")
	require.Equal(t, []int64{2}, at(41, person(8*41, 50, .8)))
}

func TestUpdate_WeakObject_ReportedOnlyIfExpected(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3})
	for i := range 5 {
		tr.Update([]event.Object{person(float32(5*i), 50, .8)}, room, time.Duration(i)*interval)
	}
	got := tr.Update([]event.Object{person(25, 50, .15), person(300, 50, .2), person(31, 50, .05)}, room, 5*interval)
	require.Equal(t, []int64{1}, ids(got))
	require.Equal(t, float32(.15), got[0].Score)
	require.Zero(t, got[0].Index)
	// Sure objects are kept with or without a track, and one below New begins
	// none.
	for i := 6; i < 9; i++ {
		got = tr.Update([]event.Object{person(float32(5*i), 50, .8), person(500, 50, .35)}, room, time.Duration(i)*interval)
		require.Equal(t, []int64{1, 0}, ids(got))
	}
}

func TestUpdate_SecondBoxOfAPerson_LeftOut(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3})
	at := func(i int, objs ...event.Object) []int64 {
		return ids(tr.Update(objs, room, time.Duration(i)*interval))
	}
	half := func(x float32) event.Object { // from the head to the hips
		o := person(x, 50, .6)
		o.Box[3] -= 45
		return o
	}
	require.Equal(t, []int64{1}, at(0, person(100, 50, .9), half(100)))
	for i := 1; i < 5; i++ {
		require.Equal(t, []int64{1}, at(i, person(100, 50, .9), half(102)), "frame %d", i)
	}
	// Somebody half behind is no second box, and has a number when seen again.
	require.Equal(t, []int64{1, 0}, at(5, person(100, 50, .9), person(120, 48, .6)))
	require.Equal(t, []int64{1, 2}, at(6, person(100, 50, .9), person(122, 48, .6)))
	// Two who are tracked stay two, however much they overlap.
	require.Equal(t, []int64{1, 2}, at(7, person(100, 50, .9), person(112, 48, .6)))
	require.Equal(t, []int64{1, 2}, at(8, person(100, 50, .9), person(108, 48, .6)))
}

func TestUpdate_ObjectInOneFrame_NoNumber(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3})
	tr.Update(nil, room, 0)
	require.Equal(t, []int64{0}, ids(tr.Update([]event.Object{person(100, 50, .9)}, room, interval)))
	tr.Update(nil, room, 2*interval)
	require.Equal(t, []int64{0}, ids(tr.Update([]event.Object{person(300, 50, .9)}, room, 3*interval)))
	require.Equal(t, []int64{1}, ids(tr.Update([]event.Object{person(303, 50, .9)}, room, 4*interval)))
}

// A person of 40x100 walks at 60 pixels a second: at one frame a second no box
// has anything in common with the one before.
func TestUpdate_AnyRateAndDroppedFrames_NumbersFollow(t *testing.T) {
	t.Parallel()
	regular := func(gap time.Duration) []time.Duration {
		var at []time.Duration
		for i := range 12 {
			at = append(at, time.Duration(i)*gap)
		}
		return at
	}
	ms := func(all ...int) (at []time.Duration) {
		for _, v := range all {
			at = append(at, time.Duration(v)*time.Millisecond)
		}
		return at
	}
	for name, at := range map[string][]time.Duration{
		"60 fps":          regular(time.Second / 60),
		"10 fps":          regular(time.Second / 10),
		"2 fps":           regular(time.Second / 2),
		"1 fps":           regular(time.Second),
		"live, drops":     ms(0, 100, 200, 900, 1000, 1100, 2600, 2700, 3900, 4000, 5500, 5600),
		"unequal":         ms(0, 33, 50, 700, 1700, 1733, 2900, 2901, 4000),
		"one frame twice": ms(0, 100, 200, 200, 300, 300, 300, 400),
	} {
		tr := track.New(track.Options{High: 0.3})
		for i, pts := range at {
			x := float32(60 * pts.Seconds())
			// The second one walks the other way, 150 pixels below.
			got := ids(tr.Update([]event.Object{person(x, 50, .8), person(900-x, 200, .7)}, room, pts))
			require.Equal(t, []int64{1, 2}, got, "%s, frame %d at %v", name, i, pts)
		}
	}
}

func TestUpdate_CameraSlowerThanMaxLost_NumbersGiven(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3, MaxLost: time.Second})
	var last []int64
	for i := range 6 {
		last = ids(tr.Update([]event.Object{person(100, 50, .8)}, room, time.Duration(i)*5*time.Second))
	}
	require.NotZero(t, last[0])
	require.Equal(t, last, ids(tr.Update([]event.Object{person(100, 50, .8)}, room, 30*time.Second)))
	// But a camera that was away is not a slow one.
	for i := range 3 {
		tr.Update([]event.Object{person(100, 50, .8)}, room, 30*time.Second+time.Duration(i)*interval)
	}
	require.Equal(t, []int64{0}, ids(tr.Update([]event.Object{person(100, 50, .8)}, room, 40*time.Second)))
}

func TestUpdate_NoTimes_FollowedFrameByFrame(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3})
	for i := range 50 {
		require.Equal(t, []int64{1}, ids(tr.Update([]event.Object{person(float32(8*i), 50, .8)}, room, 0)))
	}
}

func TestUpdate_OnlyWeakMatches_TrackRemoved(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3, MaxLost: time.Second})
	at := func(i int, score float32) []int64 {
		return ids(tr.Update([]event.Object{person(100, 50, score)}, room, time.Duration(i)*interval))
	}
	for i := range 5 {
		require.Equal(t, []int64{1}, at(i, .8))
	}
	for i := 5; i <= 14; i++ { // strong last at 4
		require.Equal(t, []int64{1}, at(i, .15), "frame %d", i)
	}
	at(15, .15)
	require.Empty(t, at(16, .15), "the person has left, and the wall is no person")
}

func TestUpdate_TwoClasses_SeparateTracks(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.3})
	cat := person(100, 50, .8)
	cat.ClassID = 15
	require.Equal(t, []int64{1, 2}, ids(tr.Update([]event.Object{person(100, 50, .9), cat}, room, 0)))
	cat.Score = .95
	require.Equal(t, []int64{2, 1}, ids(tr.Update([]event.Object{cat, person(100, 50, .9)}, room, interval)))
}

// A resumed run shows the tracker what it reported before: objects that it left out must
// not have changed its state.
func TestUpdate_ReportedObjectsAgain_SameNumbers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 12))
		once, again := track.New(track.Options{High: 0.3}), track.New(track.Options{High: 0.3})
		for i := range 200 {
			var objs []event.Object
			for k := range 12 {
				x, y := float32((40*k+(5-k)*i*2)%400), float32(10*k)
				for rng.IntN(4) > 0 { // none, one box or more
					o := person(x+20*rng.Float32(), y+10*rng.Float32(), 0.05+0.9*rng.Float32())
					o.Box[3] -= 40 * rng.Float32()
					objs = append(objs, o)
				}
			}
			slices.SortFunc(objs, func(a, b event.Object) int { return cmp.Compare(b.Score, a.Score) })
			reported := once.Update(objs, room, time.Duration(i)*interval)
			log := slices.Clone(reported)
			for k := range log {
				log[k].TrackID = nil
			}
			require.Equal(t, ids(reported), ids(again.Update(log, room, time.Duration(i)*interval)), "seed %d, frame %d", seed, i)
		}
	}
}

func TestFirstID_Resumed_NoNumberTwice(t *testing.T) {
	t.Parallel()
	given := map[int64]bool{}
	for _, resumedAt := range []int64{0, 1, 400, 401} {
		tr := track.New(track.Options{High: 0.3, FirstID: track.FirstID(resumedAt)})
		for i := range 3 {
			var objs []event.Object
			for k := range 100 {
				objs = append(objs, person(float32(k*50+i), 50, .9))
			}
			for _, id := range ids(tr.Update(objs, room, time.Duration(i)*interval)) {
				require.True(t, i > 0 || !given[id])
				given[id] = true
			}
		}
	}
	require.Len(t, given, 400)
	require.EqualValues(t, 1, track.FirstID(0))
}

func TestUpdate_SteadyState_NoAllocation(t *testing.T) {
	tr := track.New(track.Options{High: 0.3})
	objs := make([]event.Object, 0, 30)
	i := 0
	frame := func() {
		objs = objs[:0]
		for k := range 20 {
			objs = append(objs, person(float32(k*50+i%7), 50, .9))
		}
		objs = tr.Update(objs, room, time.Duration(i)*interval)
		i++
	}
	for range 10 {
		frame()
	}
	require.Zero(t, testing.AllocsPerRun(100, frame))
}

func BenchmarkUpdateTwentyPeople(b *testing.B) {
	tr := track.New(track.Options{High: 0.3})
	objs := make([]event.Object, 0, 30)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		objs = objs[:0]
		for k := range 20 {
			objs = append(objs, person(float32(k*50+i%7), 50, .9))
		}
		objs = tr.Update(objs, room, time.Duration(i)*interval)
		i++
	}
}

// As many people as a detector gives of one picture are followed, each by its number.
func TestUpdate_ThousandPeople_KeepTheirNumbers(t *testing.T) {
	t.Parallel()
	tr := track.New(track.Options{High: 0.5})
	var want []int64
	for n := range 5 {
		objs := make([]event.Object, 1024)
		for i := range objs {
			objs[i] = person(float32(i%32*100+3*n), float32(i/32*150+n), .9-float32(i)/10_000)
		}
		got := ids(tr.Update(objs, room, time.Duration(n)*interval))
		if n == 0 {
			want = got
			require.Len(t, want, 1024)
			require.NotContains(t, want, int64(0))
		}
		require.Equal(t, want, got, "frame %d", n)
	}
}

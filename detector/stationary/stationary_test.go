package stationary_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/stationary"
	"github.com/sightlog/sightlog/event"
)

// scene shows objects to a Marker, at a number of frames a second.
type scene struct {
	marker *stationary.Marker
	rng    *rand.Rand
	fps    int
	at     time.Duration
}

func newScene(fps int) *scene {
	return &scene{marker: stationary.New(stationary.Options{}), rng: rand.New(rand.NewPCG(1, 2)), fps: fps}
}

// show shows one object of 40 × 100 pixels for a while, its middle moving by speed pixels a
// second from x on, each edge off by jitter at most, and returns the states that it had, each
// once in a row. Number 0 is nobody.
func (s *scene) show(id int64, label string, x, speed, jitter float32, d time.Duration) (states []string) {
	for end := s.at + d; s.at < end; s.at += time.Second / time.Duration(s.fps) {
		var objs []event.Object
		if id > 0 {
			off := func() float32 { return jitter * (2*s.rng.Float32() - 1) }
			objs = []event.Object{{Label: label, TrackID: &id, Box: event.Box{x - 20 + off(), 100 + off(), x + 20 + off(), 200 + off()}}}
		}
		x += speed / float32(s.fps)
		s.marker.Mark(objs, s.at)
		if id > 0 {
			states = append(states, objs[0].State)
		}
	}
	return slices.Compact(states)
}

const isNew, moves, rests, isThing = event.StateNew, "", event.StateStationary, event.StateThing

func TestMark_NeverMoves_Thing(t *testing.T) {
	t.Parallel()
	for _, fps := range []int{1, 5, 25} {
		s := newScene(fps)
		for id := range int64(20) {
			require.Equal(t, []string{isNew, isThing}, s.show(id+1, "person", 100+100*float32(id), 0, 9, 10*time.Minute), fps)
		}
	}
}

// Between frames that are far apart a person may have come in and sat down.
func TestMark_FramesFarApart_NoThing(t *testing.T) {
	t.Parallel()
	m := stationary.New(stationary.Options{})
	for n := range 1000 {
		id := int64(1)
		objs := []event.Object{{Label: "person", TrackID: &id, Box: event.Box{280, 100, 320, 200}}}
		m.Mark(objs, time.Duration(n)*2*time.Second)
		require.Equal(t, isNew, objs[0].State)
	}
}

func TestMark_OneEdgeJumps_Thing(t *testing.T) {
	t.Parallel()
	s := newScene(5)
	var last string
	for n := range 3000 { // the lower half is found, or all
		id, top := int64(1), float32(100)
		if n/10%2 == 0 {
			top = 150
		}
		objs := []event.Object{{Label: "person", TrackID: &id, Box: event.Box{280, top, 320, 200}}}
		s.marker.Mark(objs, time.Duration(n)*time.Second/5)
		last = objs[0].State
	}
	require.Equal(t, isThing, last)
}

func TestMark_WalksInAndSits_StaysAPerson(t *testing.T) {
	t.Parallel()
	for _, fps := range []int{1, 5, 25} {
		s := newScene(fps)
		require.Equal(t, []string{isNew, moves}, s.show(1, "person", 100, 60, 3, 4*time.Second), fps)
		require.Equal(t, []string{moves, rests}, s.show(1, "person", 340, 0, 5, 3*time.Hour), fps)
		s.show(0, "", 0, 0, 0, 5*time.Minute) // hidden
		require.Equal(t, []string{rests}, s.show(2, "person", 340, 0, 5, time.Hour), fps)
		require.Equal(t, []string{rests, moves}, s.show(2, "person", 340, 60, 3, 9*time.Second), fps)
	}
}

func TestMark_ThingNotAlwaysDetected_ThingAtOnce(t *testing.T) {
	t.Parallel()
	s := newScene(5)
	id := int64(0)
	flicker := func() []string {
		id++
		s.show(0, "", 0, 0, 0, 5*time.Minute)
		return s.show(id, "person", 300, 0, 2, 7*time.Second)
	}
	for range 8 {
		require.Equal(t, []string{isNew}, flicker())
	}
	require.Equal(t, []string{isNew, isThing}, flicker())
	for range 20 {
		require.Equal(t, []string{isThing}, flicker())
	}
	s.show(0, "", 0, 0, 0, 25*time.Hour)
	require.Equal(t, []string{isNew}, flicker(), "forgotten")
}

func TestMark_PersonTakesOverAThingsNumber_PersonAndThing(t *testing.T) {
	t.Parallel()
	s := newScene(5)
	require.Equal(t, []string{isNew, isThing}, s.show(1, "person", 300, 0, 2, 2*time.Minute))
	require.Equal(t, []string{isThing, moves}, s.show(1, "person", 300, 60, 2, 4*time.Second))
	require.Equal(t, []string{isThing}, s.show(2, "person", 300, 0, 2, time.Minute))
}

func TestMark_PersonBeforeAThing_StaysAPerson(t *testing.T) {
	t.Parallel()
	s := newScene(5)
	s.show(1, "person", 300, 0, 2, 2*time.Minute)
	require.Equal(t, []string{isNew, moves}, s.show(2, "person", 200, 50, 2, 2*time.Second))
	require.Equal(t, []string{moves, rests}, s.show(2, "person", 300, 0, 2, 10*time.Minute))
	s.show(2, "person", 300, 50, 2, 5*time.Second)
	require.Equal(t, []string{isThing}, s.show(3, "person", 300, 0, 2, time.Second))
}

func TestMark_ParkedCar_NoThing(t *testing.T) {
	t.Parallel()
	s := newScene(5)
	require.Equal(t, []string{isNew}, s.show(1, "car", 300, 0, 2, time.Hour))
}

func TestMark_Off_NoThing(t *testing.T) {
	t.Parallel()
	s := newScene(5)
	s.marker = stationary.New(stationary.Options{ThingAfter: -1})
	require.Equal(t, []string{isNew}, s.show(1, "person", 300, 0, 2, time.Hour))
}

func TestMark_NotTracked_NoState(t *testing.T) {
	t.Parallel()
	objs := []event.Object{{Label: "person", State: "x"}}
	m := stationary.New(stationary.Options{})
	for n := range 100 {
		m.Mark(objs, time.Duration(n)*time.Second)
		require.Empty(t, objs[0].State)
	}
}

// Somebody walks into the queue as the one before leaves it, seen every two seconds: each
// stands where the other stood.
func TestMark_QueueAtALowRate_People(t *testing.T) {
	t.Parallel()
	s := newScene(1)
	for id := range int64(20) {
		states := s.show(id+1, "person", 300+float32(id%3)*6, 0, 5, 40*time.Second)
		s.show(id+1, "person", 360, 60, 2, 2*time.Second)
		require.NotContains(t, states, isThing, id)
	}
}

// A marker that gets a run's frames again has the states that the first one had, and goes on
// as it does.
func TestMark_Resumed_SameStates(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var frames [][]event.Object
	for n := range 3000 {
		var objs []event.Object
		for i := range 6 {
			if rng.IntN(10) == 0 {
				continue
			}
			id := int64(i + 6*(n/(200*(i+1))))
			x := float32(100*i) + 3*rng.Float32()
			if i%2 == 0 {
				x += float32(min(n%200, 90))
			}
			objs = append(objs, event.Object{Label: "person", TrackID: &id, Box: event.Box{x, 100, x + 40, 200}})
		}
		frames = append(frames, objs)
	}
	mark := func(m *stationary.Marker, n int) (states []string) {
		objs := slices.Clone(frames[n])
		m.Mark(objs, time.Duration(n)*time.Second/5)
		for _, o := range objs {
			states = append(states, o.State)
		}
		return states
	}
	a := stationary.New(stationary.Options{})
	seen := map[string]bool{}
	for n := range frames {
		want := mark(a, n)
		for _, s := range want {
			seen[s] = true
		}
		if n == 2500 {
			b := stationary.New(stationary.Options{})
			for k := range n {
				mark(b, k)
			}
			require.Equal(t, want, mark(b, n))
			a = b
		}
	}
	require.Len(t, seen, 4, "each state")
}

func TestMark_ManyPlaces_Bounded(t *testing.T) {
	t.Parallel()
	m := stationary.New(stationary.Options{})
	for n := range 5000 {
		id, x := int64(n+1), float32(100*n)
		m.Mark([]event.Object{{Label: "person", TrackID: &id, Box: event.Box{x, 0, x + 40, 100}}}, time.Duration(n)*time.Millisecond)
	}
	require.LessOrEqual(t, m.Len(), 1024)
}

func BenchmarkMark_TwentyPeople(b *testing.B) {
	m := stationary.New(stationary.Options{})
	objs := make([]event.Object, 20)
	for i := range objs {
		id := int64(i + 1)
		objs[i] = event.Object{Label: "person", TrackID: &id, Box: event.Box{float32(50 * i), 100, float32(50*i + 40), 200}}
	}
	at := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		at += 40 * time.Millisecond
		m.Mark(objs, at)
	}
}

package track_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
)

// pass is two people of 100 pixels height who pass each other. Boxes are up to 8 % off.
type pass struct {
	name   string
	speeds [2]float32 // pixels in a tenth of a second
	// While they overlap by more than half, the detector sees one box.
	one func(i int, a, b event.Box) event.Box
}

func around(_ int, a, b event.Box) event.Box {
	return event.Box{min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])}
}

func nearer(_ int, _, b event.Box) event.Box { return b }

func inTurns(i int, a, b event.Box) event.Box {
	if i/3%2 == 0 {
		return a
	}
	return b
}

// kept runs a pass and reports whether each of the two has its number afterwards.
func (p pass) kept(seed uint64, fps int) bool {
	rng := rand.New(rand.NewPCG(seed, 9))
	noisy := func(o event.Object) event.Object {
		for i := range o.Box {
			o.Box[i] += 16 * (rng.Float32() - 0.5)
		}
		return o
	}
	tr := track.New(track.Options{High: 0.3})
	const apart = 120
	var first, last []int64
	for i := 0; ; i += 10 / fps {
		x1, x2 := p.speeds[0]*float32(i), apart+p.speeds[1]*float32(i)
		if x1 > x2+apart {
			break
		}
		a, b := person(x1, 50, .8), person(x2, 56, .7)
		objs := []event.Object{noisy(a), noisy(b)}
		if a.Box.Intersection(b.Box) > 0.5*a.Box.Area() {
			a.Box = p.one(i, a.Box, b.Box)
			objs = []event.Object{noisy(a)}
		}
		got := ids(tr.Update(objs, room, time.Duration(i)*interval))
		if len(got) == 2 {
			if last = got; first == nil {
				first = got
			}
		}
	}
	return last[0] == first[0] && last[1] == first[1]
}

// A box over two people must not pull the number of one along with the other. Counted
// were 2671 of 2700, and 94 in the worst row.
func TestUpdate_TwoPassWithOneBox_NumbersKept(t *testing.T) {
	t.Parallel()
	const passes, least, leastOfAll = 100, 91, 2660
	all := 0
	for _, p := range []pass{
		{"meet, nearer", [2]float32{6, -6}, nearer},
		{"meet, around", [2]float32{6, -6}, around},
		{"meet, turns", [2]float32{6, -6}, inTurns},
		{"overtake, nearer", [2]float32{10, 5}, nearer},
		{"overtake, around", [2]float32{10, 5}, around},
		{"overtake, turns", [2]float32{10, 5}, inTurns},
		{"stands, nearer", [2]float32{6, 0}, nearer},
		{"stands, around", [2]float32{6, 0}, around},
		{"stands, turns", [2]float32{6, 0}, inTurns},
	} {
		for _, fps := range []int{10, 5, 2} {
			n := 0
			for seed := range uint64(passes) {
				if p.kept(seed, fps) {
					n++
				}
			}
			require.GreaterOrEqual(t, n, least, "%s at %d frames/s", p.name, fps)
			all += n
		}
	}
	require.GreaterOrEqual(t, all, leastOfAll)
}

package detect

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
)

// figure is somebody at a moment: the feet and the height in pixels; height 0: not there.
type figure struct{ x, y, h float64 }

// box of the figure, which is .4 of its height wide.
func (f figure) box() event.Box {
	return event.Box{float32(f.x - .2*f.h), float32(f.y - f.h), float32(f.x + .2*f.h), float32(f.y)}
}

// actor is where somebody is t seconds after the beginning.
type actor func(t float64) figure

// stop is a time, and where somebody is then.
type stop [3]float64

// walk goes through places at the times that are before them, and is there between these only.
func walk(h float64, stops ...stop) actor {
	return func(t float64) figure {
		for i := 1; i < len(stops); i++ {
			a, b := stops[i-1], stops[i]
			if t >= a[0] && t <= b[0] {
				part := (t - a[0]) / (b[0] - a[0])
				return figure{a[1] + part*(b[1]-a[1]), a[2] + part*(b[2]-a[2]), h}
			}
		}
		return figure{}
	}
}

// sight changes a box as the detector sees it; false: it does not.
type sight func(t float64, rng *rand.Rand, o *event.Object) bool

// stage is a scene with several people, as a detector sees it.
type stage struct {
	actors  []actor
	line    []config.Point // default x = .5, in is to the left
	seconds float64        // default 20
	see     sight          // default: all
	in, out int
	most    [3]int // runs of 20 that may count something else at 10, 5 and 2 frames a second
}

func (c stage) play(t *testing.T, seed uint64, fps float64) (in, out int) {
	t.Helper()
	if c.line == nil {
		c.line = []config.Point{{.5, 0}, {.5, 1}}
	}
	if c.seconds == 0 {
		c.seconds = 20
	}
	s := porchScene(t, config.CameraSettings{Lines: map[string][]config.Point{"gate": c.line}})
	require.NoError(t, s.open(0))
	rng := rand.New(rand.NewPCG(seed, 4))
	add := func(all []event.Derived) {
		for _, e := range all {
			if x, is := e.(*event.Crossing); is && x.Direction == event.In {
				in++
			} else if is {
				out++
			}
		}
	}
	phase := rng.Float64() / fps
	for n := 0; float64(n)/fps < c.seconds; n++ {
		at := float64(n)/fps + phase
		pts := time.Duration(at * float64(time.Second))
		g := &event.Sighting{Camera: "porch", Run: "r", Seq: int64(n), PTS: pts.Microseconds(), Frame: size}
		g.CapturedAt = event.At(time.Unix(1e9, 0).Add(pts))
		g.Objects = append(g.Objects, s.track(c.detect(at, rng), size, pts)...)
		add(s.events(g))
	}
	add(s.end())
	return in, out
}

// detect is what a detector says of the moment: of two who overlap much, the nearer alone.
func (c stage) detect(at float64, rng *rand.Rand) []event.Object {
	var all []event.Object
	for _, a := range c.actors {
		f := a(at)
		if f.h == 0 || rng.IntN(25) == 0 {
			continue
		}
		b := f.box()
		for k := range b {
			b[k] += float32(.03 * f.h * rng.NormFloat64())
		}
		o := event.Object{Label: "person", Score: .5 + .4*rng.Float32(), Box: b}
		if c.see != nil && !c.see(at, rng, &o) {
			continue
		}
		o.Box = event.Box{max(0, o.Box[0]), max(0, o.Box[1]), min(640, o.Box[2]), min(480, o.Box[3])}
		if o.Box[2]-o.Box[0] < 4 || o.Box[3]-o.Box[1] < 8 {
			continue
		}
		all = append(all, o)
	}
	slices.SortStableFunc(all, func(a, b event.Object) int { return cmp.Compare(b.Box[3], a.Box[3]) }) // the nearest first
	var objs []event.Object
	for _, a := range all {
		hidden := slices.ContainsFunc(objs, func(b event.Object) bool {
			return b.Box.Intersection(a.Box) > .7*a.Box.Area() || b.Box.IoU(a.Box) > .5
		})
		if !hidden {
			objs = append(objs, a)
		}
	}
	slices.SortStableFunc(objs, func(a, b event.Object) int { return cmp.Compare(b.Score, a.Score) })
	return objs
}

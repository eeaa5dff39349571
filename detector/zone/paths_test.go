package zone_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// walk is a way of the feet of a person of 100 pixels height; the line is x = 500, and
// from right to left is in.
type walk struct {
	xs   []float32     // NaN: not detected
	step time.Duration // between them; default 100 ms
	want []string
}

func line(from, to, by float32) (xs []float32) {
	for x := from; (x-to)*by <= 0; x += by {
		xs = append(xs, x)
	}
	return xs
}

func join(parts ...[]float32) (xs []float32) {
	for _, p := range parts {
		xs = append(xs, p...)
	}
	return xs
}

func repeat(n int, xs ...float32) (all []float32) {
	for range n {
		all = append(all, xs...)
	}
	return all
}

func TestCrossings_UsualWays_CountedOnce(t *testing.T) {
	t.Parallel()
	away := float32(math.NaN())
	in, out := event.In, event.Out
	for name, w := range map[string]walk{
		"stands on it, wavers":       {xs: join(line(700, 500, -20), repeat(100, 496, 504), line(500, 300, -20)), want: []string{in}},
		"wavers when just across":    {xs: join(line(700, 500, -20), repeat(6, 488, 512, 485, 515), line(480, 300, -20)), want: []string{in}},
		"stands on it, goes back":    {xs: join(line(700, 510, -10), repeat(20, 508), repeat(100, 490, 508), line(510, 700, 20))},
		"stands just behind it":      {xs: join(line(700, 510, -10), repeat(20, 508), repeat(50, 488)), want: []string{in}},
		"ends just behind it":        {xs: join(line(700, 510, -10), repeat(20, 510), repeat(3, 490), repeat(25, away)), want: []string{in}},
		"flickers":                   {xs: []float32{700, away, 660, away, 620, away, 580, away, 540, away, 500, away, 460, away, 420}, want: []string{in}},
		"hidden on it":               {xs: join(line(700, 560, -20), repeat(15, away), line(440, 300, -20)), want: []string{in}},
		"turns before it":            {xs: join(line(700, 510, -10), line(510, 700, 10))},
		"turns on it":                {xs: join(line(700, 496, -12), line(496, 700, 12))},
		"turns far behind it":        {xs: join(line(700, 400, -20), line(400, 700, 20)), want: []string{in, out}},
		"turns just behind it":       {xs: join(line(700, 480, -20), line(480, 700, 20)), want: []string{in, out}},
		"turns and stands before it": {xs: join(line(700, 480, -20), repeat(50, 512)), want: []string{in, out}},
		"drops frames":               {xs: []float32{700, 640, 400, 380}, step: 1200 * time.Millisecond, want: []string{in}},
		"at 1 frame/s":               {xs: []float32{800, 690, 580, 470, 360}, step: time.Second, want: []string{in}},
		"there and back at 1 frame/s": {
			xs: []float32{690, 580, 470, 360, 470, 580, 690}, step: time.Second, want: []string{in, out},
		},
	} {
		if w.step == 0 {
			w.step = 100 * time.Millisecond
		}
		for _, restartAt := range []int{0, len(w.xs) / 2} { // a resumed run shows the first frames again
			m := gate()
			var got []string
			show := func(i int) []zone.Crossing {
				var objs []event.Object
				if w.xs[i] == w.xs[i] {
					objs = append(objs, at(1, w.xs[i], 250))
				}
				return m.Find(objs, frame, time.Duration(i)*w.step)
			}
			for i := range w.xs {
				if i == restartAt && i > 0 {
					m = gate()
					for k := range i {
						show(k)
					}
				}
				for _, c := range show(i) {
					got = append(got, c.Direction)
				}
			}
			require.Equal(t, w.want, got, "%s, restarted at %d", name, restartAt)
		}
	}
}

func gate() *zone.Crossings {
	return zone.NewCrossings([]zone.Line{{Name: "gate", A: zone.Point{X: .5}, B: zone.Point{X: .5, Y: 1}}})
}

// counted are the crossings in each direction of each line.
func counted(t *testing.T, lines []zone.Line, every int, tracks eval.Tracks) map[string]int {
	t.Helper()
	m := zone.NewCrossings(lines)
	n := map[string]int{}
	for i := 0; i < len(tracks); i += every {
		var objs []event.Object
		for _, b := range tracks[i] {
			objs = append(objs, event.Object{TrackID: &b.ID, Box: event.Box{float32(b.Left), float32(b.Top), float32(b.Left + b.Width), float32(b.Top + b.Height)}})
		}
		for _, c := range m.Find(objs, event.Size{Width: 768, Height: 576}, pts(i)) {
			n[c.Line+c.Direction]++
		}
	}
	return n
}

// noisy is the truth as a detector sees it: edges off by .05 of the height, which lasts for a
// few frames, and each twelfth box missing.
func noisy(truth eval.Tracks) eval.Tracks {
	rng := rand.New(rand.NewPCG(4, 4))
	off := map[int64]*[2]float64{}
	seen := make(eval.Tracks, len(truth))
	for i, boxes := range truth {
		for _, b := range boxes {
			e := off[b.ID]
			if e == nil {
				e = new([2]float64)
				off[b.ID] = e
			}
			for k := range e {
				const lasts = 0.7
				e[k] = lasts*e[k] + math.Sqrt(1-lasts*lasts)*0.05*rng.NormFloat64()
			}
			if rng.IntN(12) > 0 {
				b.Left, b.Height = b.Left+e[0]*b.Height, b.Height*(1+e[1])
				seen[i] = append(seen[i], b)
			}
		}
	}
	return seen
}

// flat are the same feet of people so low that the hysteresis is 1 to 3 pixels, for the
// rounding of the truth: whoever goes over a line crosses it.
func flat(truth eval.Tracks) eval.Tracks {
	low := make(eval.Tracks, len(truth))
	for i, boxes := range truth {
		for _, b := range boxes {
			b.Top, b.Height = b.Top+b.Height-12, 12
			low[i] = append(low[i], b)
		}
	}
	return low
}

// 200 lines anywhere in vtest.avi, along the ways of its 19 people: the sum of what each
// line and direction counts too much or too little, of all crossings. Counted were .040,
// .041 and .047 at 10, 5 and 2 frames a second.
func TestCrossings_RandomLinesOnAStreet_CountsRight(t *testing.T) {
	t.Parallel()
	truth, err := eval.ReadMOT("truth", testenv.Data(t, "video/vtest.gt.txt"), true)
	require.NoError(t, err)
	seen, exact := noisy(truth), flat(truth)
	for _, c := range []struct {
		every int
		most  float64
	}{{1, .05}, {2, .042}, {5, .048}} {
		rng := rand.New(rand.NewPCG(1, 2))
		point := func() zone.Point { return zone.Point{X: rng.Float64(), Y: .2 + .8*rng.Float64()} }
		all, wrong := 0, 0
		for range 10 {
			var lines []zone.Line
			for i := range 20 {
				lines = append(lines, zone.Line{Name: fmt.Sprint(i), A: point(), B: point()})
			}
			want, got := counted(t, lines, 1, exact), counted(t, lines, c.every, seen)
			for _, l := range lines {
				for _, d := range []string{event.In, event.Out} {
					all += want[l.Name+d]
					wrong += max(want[l.Name+d]-got[l.Name+d], got[l.Name+d]-want[l.Name+d])
				}
			}
		}
		t.Logf("every %d: %d of %d wrong, %.3f", c.every, wrong, all, float64(wrong)/float64(all))
		require.LessOrEqual(t, float64(wrong)/float64(all), c.most, "every %d", c.every)
	}
}

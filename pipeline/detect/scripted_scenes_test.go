package detect

import (
	"math/rand/v2"
	"testing"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
)

// across is somebody who walks through the picture.
func across(h, y, from, to, t0, t1 float64) actor {
	return walk(h, stop{t0, from, y}, stop{t1, to, y})
}

// stops walks to x, stays there for five minutes and goes on to another place.
func stops(x, to float64) []actor {
	return []actor{walk(120, stop{1, 560, 300}, stop{5, x, 300}, stop{305, x, 300}, stop{310, to, 300})}
}

// sits is somebody who walks to x, sits there for an hour and goes away to the right.
func sits(x float64) []actor {
	return []actor{func(t float64) figure {
		switch {
		case t < 6:
			return figure{560 + (x-560)*t/6, 300, 120}
		case t < 3606:
			return figure{x, 300, 85}
		case t < 3615:
			return figure{x + 30*(t-3606), 300, 120}
		}
		return figure{}
	}}
}

// mostly does not see who sits for 20 seconds of each minute.
func mostly(t float64, _ *rand.Rand, o *event.Object) bool {
	return t < 10 || t > 3604 || int(t)%60 < 40
}

// behind is not seen while the middle of the box is behind a post.
func behind(from, to float32) sight {
	return func(_ float64, _ *rand.Rand, o *event.Object) bool {
		c := (o.Box[0] + o.Box[2]) / 2
		return c < from || c > to
	}
}

// shaken is a camera that shakes for a second.
func shaken(from float64) sight {
	return func(t float64, _ *rand.Rand, o *event.Object) bool {
		if t >= from && t < from+1 {
			by := float32(15)
			if int(t*10)%2 == 0 {
				by = -by
			}
			o.Box[0], o.Box[2], o.Box[1], o.Box[3] = o.Box[0]+by, o.Box[2]+by, o.Box[1]+by/2, o.Box[3]+by/2
		}
		return true
	}
}

// dark is a light that is off for a while.
func dark(from, to float64) sight {
	return func(t float64, _ *rand.Rand, _ *event.Object) bool { return t < from || t >= to }
}

func withoutLegs(o *event.Object) { o.Box[3] -= .45 * (o.Box[3] - o.Box[1]) }

// halves sees the upper body alone in every other box.
func halves(_ float64, rng *rand.Rand, o *event.Object) bool {
	if rng.IntN(2) == 0 {
		withoutLegs(o)
	}
	return true
}

// spells sees the upper body alone for two seconds of four.
func spells(t float64, _ *rand.Rand, o *event.Object) bool {
	if int(t)%4 >= 2 {
		withoutLegs(o)
	}
	return true
}

// trolley is in every other box.
func trolley(_ float64, rng *rand.Rand, o *event.Object) bool {
	if rng.IntN(2) == 0 {
		o.Box[0] -= 60
	}
	return true
}

// People as they are, at 10, 5 and 2 frames a second, each with 20 other noises.
func TestScene_ScriptedPeople_CountsRight(t *testing.T) {
	t.Parallel()
	level := []config.Point{{0, .6}, {1, .6}}
	lower, higher := []config.Point{{0, .97}, {1, .97}}, []config.Point{{0, .15}, {1, .15}}
	one := []actor{across(120, 300, 560, 60, 1, 9)}
	rising := []config.Point{{.2, .9}, {.8, .3}}
	standing := across(110, 400, 380, 380, 0, 20) // somebody who stands
	adult := across(140, 300, 560, 60, 1, 9)
	row := []actor{
		one[0], across(120, 300, 560, 60, 1.8, 9.8), across(120, 300, 560, 60, 2.6, 10.6), across(120, 300, 560, 60, 3.4, 11.4),
	}
	down := func(x, y, to, h float64) actor { return walk(h, stop{1, x, y}, stop{9, x, to}) }
	thereAndBack := func(h float64, a, b stop) []actor { // from place to place, whose times do not matter
		return []actor{walk(h, stop{1, a[1], a[2]}, stop{9, b[1], b[2]}), walk(h, stop{10, b[1], b[2]}, stop{18, a[1], a[2]})}
	}
	stands := func(x, y float64) actor { return walk(120, stop{0, 600, y}, stop{4, x, y}, stop{20, x, y}) }
	group := func(apart float64) (all []actor) {
		for i := range 4 {
			x, y := 200+apart*float64(i), 200+float64(i%2)*3
			all = append(all, walk(105+float64(i)*3, stop{1, x, y}, stop{8, x, y + 200}))
		}
		return all
	}
	for name, c := range map[string]stage{
		"one walks through":          {actors: one, in: 1},
		"two meet on the line":       {actors: []actor{one[0], across(125, 310, 80, 580, 1, 9)}, in: 1, out: 1},
		"two meet, equally far":      {actors: []actor{one[0], across(120, 301, 80, 580, 1, 9)}, in: 1, out: 1},
		"four abreast":               {line: level, actors: group(40), in: 4},
		"four abreast, close":        {line: level, actors: group(30), in: 4},
		"four in a row":              {actors: row, in: 4, most: [3]int{0, 0, 2}},
		"pushes a trolley":           {actors: one, see: trolley, in: 1, most: [3]int{1, 0, 0}},
		"child before an adult":      {actors: []actor{adult, across(80, 312, 575, 75, 1, 9)}, in: 2, most: [3]int{0, 0, 4}},
		"child beside an adult":      {actors: []actor{adult, across(80, 305, 600, 100, 1, 9)}, in: 2},
		"stops on it, goes on":       {actors: stops(320, 60), seconds: 330, in: 1},
		"stops on it, goes back":     {actors: stops(320, 600), seconds: 330, most: [3]int{3, 2, 2}},
		"stops behind it, goes back": {actors: stops(290, 600), seconds: 330, in: 1, out: 1},
		"lower edge":                 {line: lower, actors: []actor{down(300, 200, 640, 160)}, in: 1},
		"lower edge, comes in":       {line: lower, actors: []actor{down(300, 640, 200, 160)}, out: 1, most: [3]int{1, 0, 0}},
		"lower edge, large": {line: lower, actors: thereAndBack(320, stop{0, 300, 360}, stop{0, 300, 840}),
			in: 1, out: 1, most: [3]int{0, 0, 1}},
		"upper edge": {line: higher, actors: thereAndBack(60, stop{0, 300, 20}, stop{0, 300, 300}),
			in: 1, out: 1, most: [3]int{0, 0, 1}},
		"diagonal": {line: rising, actors: thereAndBack(120, stop{0, 150, 220}, stop{0, 500, 440}),
			in: 1, out: 1},
		"behind a post":              {actors: one, see: behind(300, 340), in: 1},
		"behind a wide post":         {actors: one, see: behind(280, 360), in: 1},
		"shaken camera, walks":       {actors: append(one[:1:1], standing), see: shaken(4.5), in: 1, most: [3]int{0, 0, 1}},
		"shaken camera, stands":      {actors: []actor{stands(332, 300)}, see: shaken(8), most: [3]int{3, 2, 0}},
		"dark for 1.5 s on the line": {actors: one, see: dark(4.5, 6), in: 1},
		"dark for 3 s before it": {actors: []actor{across(120, 300, 560, 60, 1, 17)}, see: dark(4, 7),
			in: 1, most: [3]int{0, 0, 2}},
		"dark for 3 s, two stand":    {actors: []actor{stands(250, 300), stands(180, 400)}, see: dark(8, 11), in: 2},
		"sits behind it for an hour": {actors: sits(284), see: mostly, seconds: 3640, in: 1, out: 1},
		"sits before it for an hour": {actors: sits(350), see: mostly, seconds: 3640},
		"half seen along the line":   {line: level, actors: []actor{across(140, 305, 560, 60, 1, 17)}, see: halves, most: [3]int{0, 0, 1}},
		"half seen for spells":       {line: level, actors: []actor{across(140, 305, 560, 60, 1, 17)}, see: spells},
		"half seen, walks down": {line: level, actors: []actor{down(300, 200, 400, 140)}, see: halves,
			in: 1, most: [3]int{0, 0, 1}},
		"half seen, walks up":     {line: level, actors: []actor{down(300, 400, 200, 140)}, see: halves, out: 1, most: [3]int{0, 0, 1}},
		"half seen, upright line": {actors: one, see: halves, in: 1},
	} {
		for i, fps := range []float64{10, 5, 2} {
			wrong, seeds := 0, uint64(20)
			if c.seconds > 1000 {
				seeds = 3
			}
			var got [][2]int
			for seed := range seeds {
				in, out := c.play(t, seed, fps)
				if got = append(got, [2]int{in, out}); in != c.in || out != c.out {
					wrong++
				}
			}
			if wrong > c.most[i] {
				t.Errorf("%s, %v frames/s: %d in and %d out expected, %d of %d wrong: %v", name, fps, c.in, c.out, wrong, seeds, got)
			}
		}
	}
}

package detect

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
)

// script is the way of a person of 40 × 100 pixels, as the middle of the box in each frame, and what a
// line at x = 320 counts of it: in is from the right to the left.
type script struct {
	xs     []float32     // below 0: not detected
	step   time.Duration // between frames; default 100 ms
	jitter float32       // how far each edge of a box is off; default 2 pixels
	line   float64       // default .5
	want   []string
	people int // in the last frame in which something was detected
}

const missing = -1000

func going(from, to, by float32) (xs []float32) {
	for x := from; (x-to)*by <= 0; x += by {
		xs = append(xs, x)
	}
	return xs
}

func staying(n int, x float32) (xs []float32) {
	for range n {
		xs = append(xs, x)
	}
	return xs
}

func then(parts ...[]float32) (xs []float32) {
	for _, p := range parts {
		xs = append(xs, p...)
	}
	return xs
}

// every hides all frames but each n-th.
func every(n int, xs []float32) []float32 {
	for i := range xs {
		if i%n > 0 {
			xs[i] = missing
		}
	}
	return xs
}

// What users of counters complain of, from the detector's boxes to the crossings: tracker, things, lines.
func TestScene_WhatUsersComplainOf_CountsRight(t *testing.T) {
	t.Parallel()
	in, out := event.In, event.Out
	for name, c := range map[string]script{
		"jitter on the line":             {xs: then(going(600, 320, -10), staying(600, 320), going(320, 60, -10)), jitter: 6, want: []string{in}, people: 1},
		"walks along the line, and back": {xs: then(going(600, 330, -10), staying(100, 322), staying(100, 318), going(320, 600, 10)), jitter: 3, people: 1},
		"flicker":                        {xs: every(2, going(600, 60, -8)), want: []string{in}, people: 1},
		"much flicker":                   {xs: every(4, going(600, 60, -4)), want: []string{in}, people: 1},
		"occlusion on the line":          {xs: then(going(600, 380, -10), staying(12, missing), going(250, 60, -10)), want: []string{in}, people: 1},
		"U-turn on the line":             {xs: then(going(600, 320, -10), going(320, 600, 10)), people: 1},
		"U-turn behind it":               {xs: then(going(600, 200, -10), going(200, 600, 10)), want: []string{in, out}, people: 1},
		"comes in at the edge":           {xs: then(going(618, 100, -10)), line: .98, want: []string{in}, people: 1},
		"goes out at the edge":           {xs: then(going(100, 618, 10), staying(40, missing)), line: .98, want: []string{out}, people: 1},
		"static thing on the line":       {xs: staying(3000, 321), jitter: 9},
		"static thing, 1 frame/s":        {xs: staying(300, 321), step: time.Second, jitter: 9},
		"1 frame/s":                      {xs: going(610, 30, -60), step: time.Second, want: []string{in}, people: 1},
		"5 frames/s, dropped ones":       {xs: then(going(600, 430, -16), staying(4, missing), going(350, 340, -16), staying(3, missing), going(280, 60, -16)), step: 200 * time.Millisecond, want: []string{in}, people: 1},
	} {
		for seed := range uint64(10) {
			got, people := c.play(t, seed)
			require.Equal(t, c.want, got, "%s, seed %d", name, seed)
			require.Equal(t, c.people, people, "%s, seed %d", name, seed)
		}
	}
}

// play returns the directions in which a script was counted, and the people of its end.
func (c script) play(t *testing.T, seed uint64) (directions []string, people int) {
	t.Helper()
	if c.line == 0 {
		c.line = .5
	}
	if c.step == 0 {
		c.step = 100 * time.Millisecond
	}
	if c.jitter == 0 {
		c.jitter = 2
	}
	s := porchScene(t, config.CameraSettings{Lines: map[string][]config.Point{"gate": {{c.line, 0}, {c.line, 1}}}})
	require.NoError(t, s.open(0))
	rng := rand.New(rand.NewPCG(seed, 21))
	add := func(all []event.Derived) {
		for _, e := range all {
			if x, is := e.(*event.Crossing); is {
				directions = append(directions, x.Direction)
			}
		}
	}
	for n, x := range c.xs {
		pts := time.Duration(n) * c.step
		var objects []event.Object
		if x != missing {
			off := func() float32 { return c.jitter * (2*rng.Float32() - 1) }
			box := event.Box{max(0, x-20+off()), 200 + off(), min(640, x+20+off()), 300 + off()}
			objects = append(objects, event.Object{Label: "person", Score: .5 + .4*rng.Float32(), Box: box})
		}
		g := &event.Sighting{Camera: "porch", Run: "r", Seq: int64(n), PTS: pts.Microseconds(), CapturedAt: event.At(time.Unix(1e9, 0).Add(pts)), Frame: size}
		g.Objects = append(g.Objects, s.track(objects, size, pts)...)
		add(s.events(g))
		if x != missing {
			people = event.People(g.Objects)
		}
	}
	add(s.end())
	return directions, people
}

// A new track takes a score above --track-score, but none that no detector gives.
func TestScene_HighTrackScore_Counts(t *testing.T) {
	t.Parallel()
	for _, score := range []float32{.3, .8, .9, .97} {
		s := porchScene(t, config.CameraSettings{})
		s.reportThreshold = score
		require.NoError(t, s.open(0))
		var objects []event.Object
		for n := range 3 {
			objects = append(objects[:0], event.Object{Label: "person", Score: .99, Box: event.Box{200, 200, 240, 300}})
			pts := time.Duration(n+1) * 100 * time.Millisecond
			if n == 0 {
				s.track(nil, size, 0)
			}
			objects = s.track(objects, size, pts)
		}
		require.Len(t, objects, 1)
		require.NotNil(t, objects[0].TrackID, "%v", score)
	}
}

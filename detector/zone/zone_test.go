package zone_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

var frame = event.Size{Width: 1000, Height: 500}

// at is a person of 40x100 whose feet are at x, y.
func at(id int64, x, y float32) event.Object {
	return event.Object{Label: "person", TrackID: &id, Box: event.Box{x - 20, y - 100, x + 20, y}}
}

func pts(i int) time.Duration { return time.Duration(i) * 100 * time.Millisecond }

func TestZones_Feet_DecideTheZone(t *testing.T) {
	t.Parallel()
	m, err := zone.New("porch", zone.Options{Zones: []zone.Zone{
		{Name: "left", Polygon: []zone.Point{{0, 0}, {.5, 0}, {.5, 1}, {0, 1}}},
		{Name: "u", Polygon: []zone.Point{{.1, .2}, {.2, .2}, {.2, .8}, {.8, .8}, {.8, .2}, {.9, .2}, {.9, .9}, {.1, .9}}},
	}})
	require.NoError(t, err)
	for _, c := range []struct {
		x, y float32
		want []string
	}{
		{150, 250, []string{"left", "u"}}, {300, 250, []string{"left"}}, {700, 250, nil}, {850, 250, []string{"u"}}, {600, 430, []string{"u"}}, {950, 490, nil},
	} {
		o := at(1, c.x, c.y)
		require.Equal(t, c.want, m.Zones(nil, &o, frame), "%v", c)
	}
}

func TestMask_FeetInMask_Removed(t *testing.T) {
	t.Parallel()
	m, err := zone.New("porch", zone.Options{Masks: []zone.Zone{{Name: "tv", Polygon: []zone.Point{{0, 0}, {.5, 0}, {.5, 1}, {0, 1}}}}})
	require.NoError(t, err)
	got := m.Mask([]event.Object{at(1, 100, 300), at(2, 900, 300), at(3, 499, 300), at(4, 501, 300)}, frame)
	require.Len(t, got, 2)
	require.EqualValues(t, 2, *got[0].TrackID)
	require.Equal(t, 1, got[1].Index)
}

func TestCrossings_TrackCrosses_OnceWithDirection(t *testing.T) {
	t.Parallel()
	// From the top down: its right, seen in its direction, is the picture's left.
	m := zone.NewCrossings([]zone.Line{{Name: "door", A: zone.Point{X: .5, Y: .2}, B: zone.Point{X: .5, Y: .9}}})
	cross := func(id int64, i int, x, y float32) []zone.Crossing {
		return append([]zone.Crossing(nil), m.Find([]event.Object{at(id, x, y)}, frame, pts(i))...)
	}
	var got []zone.Crossing
	for i, x := range []float32{700, 600, 520, 503, 498, 502, 497, 501, 480, 400} { // wavers on the line
		got = append(got, cross(1, i, x, 250)...)
	}
	require.Len(t, got, 1)
	require.Equal(t, "door", got[0].Line)
	require.Equal(t, event.In, got[0].Direction)
	require.EqualValues(t, 1, got[0].TrackID)

	require.Equal(t, event.Out, cross(1, 10, 600, 250)[0].Direction, "and back")
	require.Empty(t, cross(2, 11, 600, 60), "a new one")
	require.Empty(t, cross(2, 12, 400, 60), "above the line's end")
	require.Empty(t, cross(2, 13, 400, 250))
	require.Len(t, cross(2, 14, 600, 250), 1)
	require.Empty(t, m.Find([]event.Object{{Box: event.Box{0, 0, 9, 9}}}, frame, pts(15)), "without a track")
}

// What has not moved crosses nothing, however its box jitters; where it is counts from its
// first frame on, so that nobody who then walks across is missed.
func TestCrossings_NotMoved_NoneUntilItMoves(t *testing.T) {
	t.Parallel()
	for _, state := range []string{event.StateNew, event.StateStationary, event.StateThing} {
		m := gate()
		i := 0
		show := func(state string, x float32) []zone.Crossing {
			o := at(1, x, 250)
			o.State = state
			i++
			return m.Find([]event.Object{o}, frame, pts(i))
		}
		for n := range 1000 {
			require.Empty(t, show(state, []float32{530, 470}[n%2]), state)
		}
		want := 1
		if state == event.StateThing {
			want = 0 // a thing has no side
		}
		require.Len(t, show("", 440), want, state)
		require.Len(t, show("", 560), 1, state)
	}
}

// A line near the side of the picture, of whose other side little is seen: the person comes
// in at the side and leaves there.
func TestCrossings_AtTheSides_ComesInAndGoesOut(t *testing.T) {
	t.Parallel()
	for _, x := range []float64{.015, .985} {
		m := zone.NewCrossings([]zone.Line{{Name: "gate", A: zone.Point{X: x}, B: zone.Point{X: x, Y: 1}}})
		mirrored := func(at float32) float32 { // of the left side
			if x > .5 {
				return 1000 - at
			}
			return at
		}
		i := 0
		show := func(state string, from, to float32) []event.Crossing { // the box's left and right edge
			from, to = mirrored(from), mirrored(to)
			s := &event.Sighting{Camera: "porch", Run: "r", Seq: int64(i), PTS: pts(i).Microseconds(), Frame: frame}
			if to != from {
				id := int64(1)
				s.Objects = []event.Object{{Label: "person", TrackID: &id, State: state, Box: event.Box{min(from, to), 150, max(from, to), 250}}}
			}
			i++
			return m.Events(s)
		}
		in, out := event.Out, event.In
		if x > .5 {
			in, out = event.In, event.Out
		}
		require.Empty(t, show(event.StateNew, 2, 34))
		require.Empty(t, show(event.StateNew, 4, 42))
		got := show("", 30, 70)
		require.Len(t, got, 1, "comes in at %g", x)
		require.Equal(t, in, got[0].Direction)
		require.Empty(t, show("", 100, 140))
		require.Empty(t, show("", 40, 80))
		require.Empty(t, show("", 2, 42))
		for range 20 {
			require.Empty(t, show("", 0, 0))
		}
		got = show("", 0, 0)
		require.Len(t, got, 1, "goes out at %g", x)
		require.Equal(t, out, got[0].Direction)
		require.EqualValues(t, 1, got[0].TrackID)
		require.Equal(t, "person", got[0].Label)
		for range 200 {
			require.Empty(t, show("", 0, 0))
		}
		require.Empty(t, m.End())

		// The run ends while the person is out of sight for less.
		require.Empty(t, show("", 100, 140))
		require.Empty(t, show("", 2, 42))
		got = m.End()
		require.Len(t, got, 1)
		require.Equal(t, out, got[0].Direction)
		require.EqualValues(t, i-1, got[0].Seq)
		require.Empty(t, m.End())
	}
}

// Whoever is seen far from the sides when the track begins or ends neither came in nor went
// out, and a head that the upper edge cuts off is no way out.
func TestCrossings_NotAtTheSides_NoneAtTheEnd(t *testing.T) {
	t.Parallel()
	m := zone.NewCrossings([]zone.Line{
		{Name: "left", A: zone.Point{X: .05}, B: zone.Point{X: .05, Y: 1}}, {Name: "upper", A: zone.Point{Y: .1}, B: zone.Point{X: 1, Y: .1}},
	})
	for i, x := range []float32{300, 200, 120, 80} {
		o := at(1, x, 99)
		o.Box[1] = 0
		require.Empty(t, m.Events(&event.Sighting{PTS: pts(i).Microseconds(), Frame: frame, Objects: []event.Object{o}}))
	}
	for i := range 40 {
		require.Empty(t, m.Events(&event.Sighting{PTS: pts(4 + i).Microseconds(), Frame: frame}))
	}
	require.Empty(t, m.End())
}

// The margin is a part of the person's height in pixels, whichever way the line
// runs and whatever the frame's aspect: 5 % of 100 are 5.
func TestCrossings_AnyDirection_SameMargin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line     zone.Line
		from, by [2]float32
	}{
		"upright":  {zone.Line{Name: "l", A: zone.Point{X: .5}, B: zone.Point{X: .5, Y: 1}}, [2]float32{400, 250}, [2]float32{1, 0}},
		"level":    {zone.Line{Name: "l", A: zone.Point{Y: .5}, B: zone.Point{X: 1, Y: .5}}, [2]float32{500, 150}, [2]float32{0, 1}},
		"diagonal": {zone.Line{Name: "l", A: zone.Point{X: .25}, B: zone.Point{X: .75, Y: 1}}, [2]float32{500 - 70.7, 250 + 70.7}, [2]float32{.70711, -.70711}},
	} {
		for beyond, want := range map[float32]int{4: 0, 6: 1} {
			m := zone.NewCrossings([]zone.Line{c.line})
			require.Empty(t, m.Find([]event.Object{at(1, c.from[0], c.from[1])}, frame, 0))
			there := 100 + beyond // the line is 100 pixels away
			got := m.Find([]event.Object{at(1, c.from[0]+there*c.by[0], c.from[1]+there*c.by[1])}, frame, pts(1))
			require.Len(t, got, want, "%s, %v pixels beyond", name, beyond)
		}
	}
}

func TestCrossings_SlowCamera_Found(t *testing.T) {
	t.Parallel()
	m := zone.NewCrossings([]zone.Line{{Name: "door", A: zone.Point{X: .5}, B: zone.Point{X: .5, Y: 1}}})
	for i, want := range []int{0, 0, 0, 0, 1} {
		got := m.Find([]event.Object{at(1, 850-float32(100*i), 250)}, frame, time.Duration(i)*20*time.Second)
		require.Len(t, got, want, "frame %d", i)
	}
}

func TestCrossings_OldTracks_Removed(t *testing.T) {
	t.Parallel()
	m := zone.NewCrossings([]zone.Line{{Name: "door", A: zone.Point{X: .5}, B: zone.Point{X: .5, Y: 1}}})
	m.Find([]event.Object{at(1, 700, 250)}, frame, 0)
	m.Find(nil, frame, time.Second)
	m.Find(nil, frame, time.Minute)
	m.Find(nil, frame, time.Minute+time.Second)
	require.Empty(t, m.Find([]event.Object{at(1, 300, 250)}, frame, 2*time.Minute))
}

func TestNew_BadShapes_UsageError(t *testing.T) {
	t.Parallel()
	square := []zone.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
	for says, o := range map[string]zone.Options{
		`zone "z" has 2 points`:                {Zones: []zone.Zone{{Name: "z", Polygon: square[:2]}}},
		`zone "z" crosses itself`:              {Zones: []zone.Zone{{Name: "z", Polygon: []zone.Point{{0, 0}, {1, 1}, {1, 0}, {0, 1}}}}},
		`zone "z" point 2 (1.5, 0) is outside`: {Zones: []zone.Zone{{Name: "z", Polygon: []zone.Point{{0, 0}, {1.5, 0}, {1, 1}}}}},
		`zone "z" point 1 (NaN`:                {Zones: []zone.Zone{{Name: "z", Polygon: []zone.Point{{math.NaN(), 0}, {1, 0}, {1, 1}}}}},
		`zone "z" encloses no area`:            {Zones: []zone.Zone{{Name: "z", Polygon: []zone.Point{{0, 0}, {.5, .5}, {1, 1}}}}},
		`has point 2 twice`:                    {Zones: []zone.Zone{{Name: "z", Polygon: []zone.Point{{0, 0}, {1, 0}, {1, 0}, {1, 1}}}}},
		`zone "z" ends in its first point`:     {Zones: []zone.Zone{{Name: "z", Polygon: append(square[:4:4], square[0])}}},
		`zone "z" point 3 (640, 480)`:          {Zones: []zone.Zone{{Name: "z", Polygon: []zone.Point{{0, 0}, {1, 0}, {640, 480}}}}},
		`zone "z" point 2 (+Inf`:               {Zones: []zone.Zone{{Name: "z", Polygon: []zone.Point{{0, 0}, {math.Inf(1), 0}, {1, 1}}}}},
		`mask "m" has 0 points`:                {Masks: []zone.Zone{{Name: "m"}}},
		`has no name`:                          {Zones: []zone.Zone{{Polygon: square}}},
		`is longer than 64 bytes`:              {Zones: []zone.Zone{{Name: strings.Repeat("z", 65), Polygon: square}}},
		`two zones are called "z"`:             {Zones: []zone.Zone{{Name: "z", Polygon: square}, {Name: "z", Polygon: square}}},
		`line "l" is a point`:                  {Lines: []zone.Line{{Name: "l"}}},
		`line "l": point 2`:                    {Lines: []zone.Line{{Name: "l", B: zone.Point{X: 2}}}},
	} {
		_, err := zone.New("porch", o)
		require.Truef(t, usage.Is(err), "%s: %v", says, err)
		require.Contains(t, err.Error(), says)
		require.Contains(t, err.Error(), "camera porch")
	}
}

// A way that ends beyond the line crosses it as often as the plain rule says:
// once for each change of side on the line's own stretch.
func TestCrossings_RandomWalk_InAndOutBalance(t *testing.T) {
	t.Parallel()
	m := zone.NewCrossings([]zone.Line{{Name: "all", A: zone.Point{X: .5}, B: zone.Point{X: .5, Y: 1}}})
	rng := rand.New(rand.NewPCG(7, 8))
	side, crossings := 0, 0
	for i := range 5000 {
		x := float32(rng.IntN(1000))
		for _, c := range m.Find([]event.Object{at(1, x, 300)}, frame, pts(i)) {
			crossings++
			if c.Direction == event.In {
				require.Less(t, x, float32(500))
				require.GreaterOrEqual(t, side, 0)
				side = -1
			} else {
				require.Greater(t, x, float32(500))
				require.LessOrEqual(t, side, 0)
				side = 1
			}
		}
	}
	require.Greater(t, crossings, 1000)
}

func TestOptions_Shapes_AreTheZonesAndLines(t *testing.T) {
	o := zone.Options{
		Zones: []zone.Zone{{Name: "door", Polygon: []zone.Point{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.25, Y: 1}}}},
		Lines: []zone.Line{{Name: "gate", A: zone.Point{X: 0.5, Y: 0}, B: zone.Point{X: 0.5, Y: 1}}},
		Masks: []zone.Zone{{Name: "1", Polygon: []zone.Point{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}}},
	}
	require.Equal(t, []event.Shape{
		{Kind: event.ShapeZone, Name: "door", Points: [][2]float64{{0, 0}, {0.5, 0}, {0.25, 1}}},
		{Kind: event.ShapeLine, Name: "gate", Points: [][2]float64{{0.5, 0}, {0.5, 1}}},
	}, o.Shapes())
}

package stationary_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/stationary"
	"github.com/sightlog/sightlog/event"
)

// earlier has a Marker recall a run that ended away before the present one: a post, which is number 1,
// and somebody who walked in and sits, number 2.
func earlier(t *testing.T, m *stationary.Marker, away time.Duration, moved bool) {
	t.Helper()
	first := stationary.New(stationary.Options{})
	const frames = 400 // at 5 a second
	for n := range frames {
		post, sitter := int64(1), int64(2)
		x := min(float32(n)*8, 200)
		objs := []event.Object{
			{Label: "person", TrackID: &post, Box: event.Box{500, 100, 540, 200}},
			{Label: "person", TrackID: &sitter, Box: event.Box{x, 100, x + 40, 200}},
		}
		first.Mark(objs, time.Duration(n)*time.Second/5)
		if n > frames-20 { // the last four seconds are in the log
			m.Recall(objs, time.Duration(n-frames)*time.Second/5-away)
			require.Equal(t, []string{isThing, rests}, []string{objs[0].State, objs[1].State})
		}
	}
	m.EndRun(moved)
}

// begins returns the state of a track in its first frame.
func begins(m *stationary.Marker, at time.Duration, x float32, label string) string {
	id := int64(1)
	objs := []event.Object{{Label: label, TrackID: &id, Box: event.Box{x, 100, x + 40, 200}}}
	m.Mark(objs, at)
	return objs[0].State
}

func TestRecall_AnotherRun_ThingsAndPeopleAtRestAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away  time.Duration
		moved bool
		x     float32
		label string
		want  string
	}{
		"the thing":                               {time.Second, false, 500, "person", isThing},
		"nearly there":                            {time.Second, false, 510, "person", isThing},
		"the sitter":                              {time.Second, false, 200, "person", rests},
		"elsewhere":                               {time.Second, false, 350, "person", isNew},
		"another class":                           {time.Second, false, 500, "dog", isNew},
		"a night later, the thing":                {9 * time.Hour, false, 500, "person", isThing},
		"a night later, the sitter":               {9 * time.Hour, false, 200, "person", isNew},
		"two days later":                          {48 * time.Hour, false, 500, "person", isNew},
		"perhaps turned, where the thing was":     {time.Second, true, 501, "person", isThing},
		"perhaps turned, nearly where it was":     {time.Second, true, 510, "person", isNew},
		"perhaps turned, nearly at the sitter's":  {time.Second, true, 210, "person", isNew},
		"perhaps turned, exactly at the sitter's": {time.Second, true, 201, "person", rests},
	} {
		m := stationary.New(stationary.Options{})
		earlier(t, m, c.away, c.moved)
		require.Equal(t, c.want, begins(m, 0, c.x, c.label), name)
	}
}

// Somebody gets the number that the thing had in the run before: numbers begin anew.
func TestRecall_NumberOfAThing_IsSomebodyElse(t *testing.T) {
	t.Parallel()
	m := stationary.New(stationary.Options{})
	earlier(t, m, time.Second, false)
	s := &scene{marker: m, rng: newScene(5).rng, fps: 5}
	require.Equal(t, []string{isNew, moves}, s.show(1, "person", 300, 60, 3, 2*time.Second))
	require.Equal(t, []string{isThing}, s.show(2, "person", 520, 0, 3, time.Minute))
}

// A place that was doubtful is one like others once something was seen there.
func TestRecall_SeenAgainAfterATurn_NotDoubtfulAnyMore(t *testing.T) {
	t.Parallel()
	m := stationary.New(stationary.Options{})
	earlier(t, m, time.Second, true)
	require.Equal(t, isThing, begins(m, 0, 501, "person"))
	m.EndRun(false)
	require.Equal(t, isThing, begins(m, time.Second, 510, "person"))
}

func TestRecall_ThingsOff_People(t *testing.T) {
	t.Parallel()
	m := stationary.New(stationary.Options{ThingAfter: -1})
	earlier(t, m, time.Second, false)
	require.Equal(t, isNew, begins(m, 0, 500, "person"))
}

package detect

import (
	"fmt"
	"image"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

var (
	left  = []config.Point{{0, 0}, {.5, 0}, {.5, 1}, {0, 1}}
	upper = []config.Point{{0, 0}, {1, 0}, {1, .5}, {0, .5}}
)

func porchScene(t testing.TB, c config.CameraSettings) *sceneState {
	t.Helper()
	shapes, err := pipeline.ShapesOf("porch", c, true)
	require.NoError(t, err)
	return newScene(cameraSettings{CameraSettings: c, spec: ingest.Spec{ID: "porch"}, shapes: shapes}, true, 0.3)
}

var size = event.Size{Width: 640, Height: 480}

// crowd is what a detector might say of frame n: people who walk to and fro,
// some of them unsure, some of them unseen for a while.
func crowd(n int64) []event.Object {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	var objs []event.Object
	for i := range 5 {
		if rng.IntN(8) == 0 {
			continue
		}
		phase := float32((int(n)*(i+2)+90*i)%400) / 200 // to and fro
		if phase > 1 {
			phase = 2 - phase
		}
		x, y := 30+560*phase+2*rng.Float32(), float32(150+70*i)
		objs = append(objs, event.Object{Label: "person", Score: 0.15 + 0.8*rng.Float32(), Box: event.Box{x, y - 100, x + 40, y}})
	}
	shade := 3 * rng.Float32() // of a post that is taken for a person
	objs = append(objs, event.Object{Label: "person", Score: 0.8, Box: event.Box{600 + shade, 380, 630 + shade, 470}})
	slices.SortFunc(objs, func(a, b event.Object) int { return int(1000 * (b.Score - a.Score)) })
	for i := range objs {
		objs[i].Index = i
	}
	return objs
}

// see writes frames from to to-1 and returns what was seen and crossed.
func see(t testing.TB, s *sceneState, w kafka.Writer, from, to int64) (all []string) {
	t.Helper()
	run := w.Run()
	for n := from; n < to; n++ {
		f := ingest.Frame{Seq: n, PTS: time.Duration(n) * time.Second / 30}
		if !s.wanted(&f, false) {
			continue
		}
		g := &event.Sighting{
			Camera: "porch", Run: run.ID, Seq: n, SourceKind: run.SourceKind, PTS: f.PTS.Microseconds(),
			CapturedAt: event.At(run.StartedAt.Add(f.PTS)), Frame: size,
		}
		g.Objects = slices.Clone(s.track(crowd(n), size, f.PTS.Truncate(time.Microsecond)))
		for _, o := range g.Objects {
			id := int64(0)
			if o.TrackID != nil {
				id = *o.TrackID
			}
			all = append(all, fmt.Sprint(n, o.Index, o.Score, id, o.State, o.Zones))
		}
		completes := s.events(g)
		for _, e := range completes {
			all = append(all, told(e, run))
		}
		require.NoError(t, w.Send(t.Context(), g, completes...))
	}
	return all
}

// told is an event without what differs from run to run.
func told(e event.Derived, run event.Run) string {
	switch e := e.(type) {
	case *event.Crossing:
		return fmt.Sprint("crossing ", e.Seq, e.Line, e.Direction, e.TrackID)
	case *event.Visit:
		left := time.Duration(-1)
		if !e.LeftAt.IsZero() {
			left = e.LeftAt.Sub(run.StartedAt.Time)
		}
		return fmt.Sprint(e.Kind, " ", e.Seq, e.Zone, e.TrackID, e.EnteredAt.Sub(run.StartedAt.Time), left)
	}
	return "unknown"
}

// newLog starts a broker that has the topics.
func newLog(t *testing.T) kafka.Config {
	t.Helper()
	cfg := kafka.Config{Brokers: []string{brokertest.Start(t).Addr()}}
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 4))
	return cfg
}

func TestResume_MissingStart_NewTrackIDs(t *testing.T) {
	t.Parallel()
	cfg := newLog(t)
	run := event.Run{Camera: "porch", SourceKind: event.SourceFile, Fingerprint: "f"}
	w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
	require.NoError(t, err)
	s := porchScene(t, config.CameraSettings{})
	require.NoError(t, s.open(0))
	see(t, s, w, 5, 50)
	require.NoError(t, w.Close(t.Context()))

	w, err = kafka.OpenFile(t.Context(), cfg, run, 0, never)
	require.NoError(t, err)
	s = porchScene(t, config.CameraSettings{})
	require.NoError(t, s.resume(t.Context(), cfg, w.Run(), w.Next(), slog.New(slog.DiscardHandler)))
	objects := s.track(crowd(50), size, 50*time.Second/30)
	tracked := 0
	for _, o := range objects {
		if o.TrackID != nil {
			require.GreaterOrEqual(t, *o.TrackID, int64(50)<<16)
			tracked++
		}
	}
	require.Positive(t, tracked)
	require.NoError(t, w.Close(t.Context()))
}

func TestTrack_PeopleInMask_NotReported(t *testing.T) {
	t.Parallel()
	s := porchScene(t, config.CameraSettings{Masks: [][]config.Point{left, upper}})
	require.NoError(t, s.open(0))
	at := func(x, y float32) event.Object {
		return event.Object{Label: "person", Score: .9, Box: event.Box{x - 20, y - 100, x + 20, y}}
	}
	objects := s.track([]event.Object{at(100, 400), at(500, 400), at(500, 200)}, size, 0)
	require.Len(t, objects, 1)
	require.Equal(t, at(500, 400).Box, objects[0].Box)
	require.Zero(t, objects[0].Index)
	require.NotNil(t, objects[0].TrackID)
}

func TestWanted_RateLimit_OneFrameASlot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		recorded, limit float64
		want            []int64
	}{
		{25, 5, []int64{0, 5, 10, 15, 20, 25}},
		{30, 10, []int64{0, 3, 6, 9, 12, 15, 18, 21, 24, 27}},
		{10, 15, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}},
		{29.97, 2, []int64{0, 15}},
	} {
		s := porchScene(t, config.CameraSettings{FPS: c.limit})
		require.NoError(t, s.open(0))
		var got []int64
		for n := range int64(30) {
			if s.wanted(&ingest.Frame{Seq: n, PTS: time.Duration(float64(n) / c.recorded * float64(time.Second))}, false) {
				got = append(got, n)
			}
		}
		require.Equal(t, c.want, got, "%v of %v", c.limit, c.recorded)
	}
	s := porchScene(t, config.CameraSettings{FPS: 1})
	require.NoError(t, s.open(0))
	for n := range int64(9) {
		require.True(t, s.wanted(&ingest.Frame{Seq: n, PTS: time.Duration(n)}, true), "a live source keeps to it itself")
	}
}

func TestPixels_Region_InPixelsOfTheFrame(t *testing.T) {
	t.Parallel()
	require.Equal(t, image.Rect(64, 0, 640, 240), pixels([]float64{.1, 0, 1, .5}, image.Pt(640, 480)))
	require.Equal(t, image.Rect(0, 0, 1, 1), pixels([]float64{0, 0, .01, .01}, image.Pt(3, 3)))
	require.True(t, pixels(nil, image.Pt(3, 3)).Empty())
}

func TestCamerasOf_BadSettings_UsageError(t *testing.T) {
	t.Parallel()
	specs := []ingest.Spec{{ID: "porch"}, {ID: "yard"}}
	for says, job := range map[string]pipeline.Job{
		`camera proch has settings in the configuration file, but no --source; did you mean "porch"?`: {
			Cameras: map[string]config.CameraSettings{"proch": {}}},
		`camera attic has settings in the configuration file, but no --source; the sources are porch, yard`: {
			Cameras: map[string]config.CameraSettings{"attic": {}}},
		`camera yard, zone "z" has 2 points, and an area needs three`: {
			Cameras: map[string]config.CameraSettings{"yard": {Zones: map[string][]config.Point{"z": left[:2]}}}},
		`camera yard, mask "2" has 1 points, and an area needs three`: {
			Cameras: map[string]config.CameraSettings{"yard": {Masks: [][]config.Point{left, left[:1]}}}},
		`camera yard: who crosses a line is known only of people who are tracked; take out --track off, or the lines`: {
			Detect:  config.Detect{Track: "off"},
			Cameras: map[string]config.CameraSettings{"yard": {Lines: map[string][]config.Point{"l": {{0, 0}, {1, 1}}}}}},
	} {
		_, err := camerasOf(job.Cameras, specs, job.Detect.Track != "off")
		require.True(t, usage.Is(err), "%v", err)
		require.EqualError(t, err, says)
	}
}

func TestResume_Interrupted_SameAsNeverStopped(t *testing.T) {
	t.Parallel()
	cfg := newLog(t)
	c := config.CameraSettings{
		FPS: 20, ThingAfter: 4 * time.Second, Zones: map[string][]config.Point{"left": left, "upper": upper},
		Lines: map[string][]config.Point{"middle": {{.5, 0}, {.5, 1}}}, Loitering: map[string]time.Duration{"": 3 * time.Second},
	}
	run := event.Run{Camera: "porch", SourceKind: event.SourceFile, Fingerprint: "f"}
	const frames = 600

	open := func() kafka.Writer {
		w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
		require.NoError(t, err)
		return w
	}
	s, w := porchScene(t, c), open()
	require.NoError(t, s.open(0))
	want := see(t, s, w, 0, frames)
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.NoError(t, kafka.EndJob(t.Context(), cfg, []string{w.Run().ID})) // the next opening is another run

	var got []string
	crossings := 0
	for _, end := range []int64{7, 150, 151, 420, frames} {
		s, w := porchScene(t, c), open()
		if w.Next() == 0 {
			require.NoError(t, s.open(0))
		} else {
			require.NoError(t, s.resume(t.Context(), cfg, w.Run(), w.Next(), slog.New(slog.DiscardHandler)))
		}
		got = append(got, see(t, s, w, w.Next(), end)...)
		require.NoError(t, w.Close(t.Context()))
	}
	require.Equal(t, want, got)
	things := 0
	for _, line := range want {
		if strings.HasPrefix(line, "crossing") {
			crossings++
		}
		if strings.Contains(line, event.StateThing+"[]") {
			things++
		}
	}
	require.Greater(t, things, 200)
	require.Greater(t, crossings, 10)
}

// never is of a source that begins as no other did.
func never(string) bool { return false }

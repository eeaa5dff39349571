package detect

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

// courtyard is what the detector sees of a courtyard: a conifer, which it takes for a person, and
// somebody who comes in and sits down.
func courtyard(n int64) []event.Object {
	x := min(float32(n)*12, 200)
	return []event.Object{
		{Label: "person", Score: .9, Box: event.Box{500, 100, 540, 220}},
		{Index: 1, Label: "person", Score: .8, Box: event.Box{x, 100, x + 40, 220}},
	}
}

// record has a scene see n frames of the courtyard, five a second, and sends what it tracked.
func record(t *testing.T, s *sceneState, w kafka.Writer, n int64) {
	t.Helper()
	run := w.Run()
	for i := range n {
		pts := time.Duration(i) * time.Second / 5
		g := &event.Sighting{Camera: "porch", Run: run.ID, Seq: i, SourceKind: run.SourceKind, PTS: pts.Microseconds(),
			CapturedAt: event.At(run.StartedAt.Add(pts)), Frame: size}
		g.Objects = append(g.Objects, s.track(courtyard(i), size, pts)...)
		require.NoError(t, w.Send(t.Context(), g, s.events(g)...))
	}
}

// A live camera whose program was stopped, killed or has other settings knows its things and
// those who sit from its first frame on.
func TestRecall_LiveCameraStartsAgain_ThingsAndSittersKnown(t *testing.T) {
	t.Parallel()
	line := config.CameraSettings{ThingAfter: 4 * time.Second, Lines: map[string][]config.Point{"middle": {{.5, 0}, {.5, 1}}}}
	other := config.CameraSettings{ThingAfter: 4 * time.Second, Lines: map[string][]config.Point{"middle": {{.6, 0}, {.6, 1}}}}
	small := event.Size{Width: 320, Height: 240}
	for name, c := range map[string]struct {
		killed   bool
		settings config.CameraSettings
		change   func(*event.Run)
		size     event.Size
		shift    float32 // of what the camera sees
		want     []string
	}{
		"stopped":                   {settings: line, size: size, want: []string{"thing", "stationary"}},
		"killed":                    {killed: true, settings: line, size: size, want: []string{"thing", "stationary"}},
		"another model":             {settings: line, change: func(r *event.Run) { r.Model.Name = "other" }, size: size, want: []string{"thing", "stationary"}},
		"boxes of another model":    {settings: line, change: func(r *event.Run) { r.Model.Name = "other" }, size: size, shift: 8, want: []string{"thing", "stationary"}},
		"another line, not turned":  {settings: other, size: size, want: []string{"thing", "stationary"}},
		"another line, and turned":  {settings: other, size: size, shift: 8, want: []string{"new", "new"}},
		"another source":            {settings: line, change: func(r *event.Run) { r.Source = "rtsp://other/" }, size: size, want: []string{"new", "new"}},
		"frames of another size":    {settings: line, size: small, want: []string{"new", "new"}},
		"a file, which is no place": {settings: line, change: func(r *event.Run) { r.Camera = "file" }, size: size, want: []string{"new", "new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newLog(t)
			live, err := kafka.OpenLive(cfg)
			require.NoError(t, err)
			defer live.Close()
			run := event.Run{Camera: "porch", SourceKind: event.SourceStream, Source: "rtsp://porch/"}
			first := porchScene(t, line)
			run.Shapes = first.shapes.Shapes()
			w, err := live.Open(t.Context(), run)
			require.NoError(t, err)
			require.NoError(t, first.open(0))
			record(t, first, w, 200)
			if c.killed {
				require.NoError(t, w.Close(t.Context()))
			} else {
				require.NoError(t, w.Finish(t.Context(), event.Run{}))
			}

			again := porchScene(t, c.settings)
			if run.Shapes = again.shapes.Shapes(); c.change != nil {
				c.change(&run)
			}
			w, err = live.Open(t.Context(), run)
			require.NoError(t, err)
			require.NoError(t, again.open(0))
			again.recall(t.Context(), cfg, w.Run(), slog.New(slog.DiscardHandler))
			objects := courtyard(199)
			for i := range objects {
				objects[i].Box[0] += c.shift
				objects[i].Box[2] += c.shift
			}
			// The earlier run's times are ahead of the clock: it was written at once.
			objects = again.track(objects, c.size, 41*time.Second)
			require.Equal(t, c.want, []string{objects[0].State, objects[1].State})
			require.NoError(t, w.Close(t.Context()))
		})
	}
}

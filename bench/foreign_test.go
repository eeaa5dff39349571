package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/pipeline"
)

// A round of another program: its rows are compared with what it sent, and with what was due.
func TestForeign_Rows_FiguresOnlyWhereAllAreThere(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	addCamera(t, db, "a")
	d := delays{1 * msec, 2 * msec, 3 * msec, 4 * msec, 5 * msec, 6 * msec}
	for i := range int64(3) {
		addFrame(t, db, "a", i, i+1, noon.Add(time.Duration(i)*time.Second), d)
	}
	f := Foreign{
		DB: db, From: noon.Add(time.Second), To: noon.Add(3 * time.Second), Interval: time.Second,
		Usage: host.Usage{Seconds: 2, Processes: []result.Process{
			{Part: host.Detect, User: .02}, {Part: host.Services, User: .01, System: .03}, {Part: host.Probe, User: 9},
		}},
	}
	f.Cameras = []pipeline.CameraStatus{{ID: "a", Run: "a-run", Sent: 3, Frames: 3, Total: 3}}
	r, c, err := f.Read(t.Context())
	require.NoError(t, err)
	require.True(t, c.OK())
	require.EqualValues(t, 2, r.Frames) // the first was the warm-up's
	require.InDelta(t, 21, r.Histograms[result.DueCommitted].Quantile(.99), .1)
	require.InDelta(t, 20, r.Histograms[result.GrabbedCommitted].Quantile(.5), .1)
	require.InDelta(t, 30, r.Values[result.CPUFrame], 1e-9)
	require.InDelta(t, 20, r.Values[result.CPUBeyond], 1e-9)

	for want, cam := range map[string]pipeline.CameraStatus{
		"no figures: 4 frames were sent, 3 are rows":       {Sent: 4, Frames: 4, Total: 4},
		"a: 3 of 4 frames that were due were processed":    {Sent: 3, Frames: 3, Total: 4},
		"no figures: 2 frames were sent, 3 are rows; 0 tw": {Sent: 2, Frames: 2, Total: 2},
	} {
		cam.ID, cam.Run = "a", "a-run"
		f.Cameras = []pipeline.CameraStatus{cam}
		_, _, err := f.Read(t.Context())
		var incorrect *IncorrectError
		require.ErrorAs(t, err, &incorrect, want)
		require.ErrorContains(t, err, want)
	}
}

package speed_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/speed"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/usage"
)

// ownTrial is our own model on people that we draw.
func ownTrial(t *testing.T, uri string) speed.Trial {
	t.Helper()
	m := onnxtest.Own(t)
	return speed.Trial{
		Open: func() (ingest.Source, error) {
			return ingest.Open(t.Context(), ingest.Spec{ID: "t", URI: uri}, ingest.Options{Pace: ingest.Fast})
		},
		Model: m, Options: detector.Options{Score: m.Spec().Score},
	}
}

func TestMeasure_Source_EachPartCounted(t *testing.T) {
	s, err := speed.Measure(t.Context(), ownTrial(t, "test://people?frames=12"), 2)
	require.NoError(t, err)
	require.Equal(t, 12, s.Frames)
	require.Equal(t, 2, s.Rounds)
	for name, v := range map[string]float64{"decode": s.Decode, "infer": s.Infer, "whole": s.Whole, "prePost": s.PrePost, "wall": s.Wall, "objects": s.Objects} {
		require.Positive(t, v, name)
	}
	require.True(t, s.RatioMin <= s.Ratio && s.Ratio <= s.RatioMax)
}

// A file is decoded to planes up to its last frame, which alone is converted.
func TestMeasure_File_PlanesWithoutConversion(t *testing.T) {
	clip := filepath.Join(t.TempDir(), "clip.avi")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=2", "-c:v", "mpeg4", clip).CombinedOutput()
	if err != nil {
		testenv.Skip(t, "ffmpeg makes no clip: "+err.Error()+" "+string(out))
	}
	trial := ownTrial(t, clip)
	trial.OpenAt = func(n int64) (ingest.Source, error) {
		require.EqualValues(t, 19, n)
		return ingest.Open(t.Context(), ingest.Spec{ID: "t", URI: clip}, ingest.Options{Pace: ingest.Fast, StartAt: n})
	}
	s, err := speed.Measure(t.Context(), trial, 1)
	require.NoError(t, err)
	require.Positive(t, s.Planes)
	require.Len(t, s.Each, 1)
	require.InDelta(t, s.Planes, s.Each[0].Planes, 0)
	trial.OpenAt = func(int64) (ingest.Source, error) { return trial.Open() }
	_, err = speed.Measure(t.Context(), trial, 1)
	require.ErrorContains(t, err, "no figures")
}

// From a frame's pixels to its objects nothing is allocated, the run of the
// model included.
func TestMeasure_SteadyState_DetectAllocatesNothing(t *testing.T) {
	if testenv.ASan {
		t.Skip("with the address sanitizer more variables are on the heap")
	}
	s, err := speed.Measure(t.Context(), ownTrial(t, "test://people?frames=5"), 1)
	require.NoError(t, err)
	require.Positive(t, s.Objects)
	require.Less(t, s.Allocs, 0.1, "the runtime itself allocates now and then")
}

func TestMeasure_EndlessSource_UsageError(t *testing.T) {
	_, err := speed.Measure(t.Context(), ownTrial(t, "test://people"), 1)
	require.True(t, usage.Is(err), "%v", err)
	_, err = speed.Measure(t.Context(), ownTrial(t, "test://people?frames=5"), 0)
	require.True(t, usage.Is(err), "%v", err)
}

// The source is played again and again until somebody stops it.
func TestSoak_SourceEnds_PlayedAgainUntilStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	shown := 0
	all, err := speed.Soak(ctx, ownTrial(t, "test://people?frames=4"), time.Hour, 0, func(s speed.Sample) {
		if shown++; shown == 10 {
			stop()
		}
		require.Positive(t, s.RSS)
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 11, "one a frame, and one at the end")
	require.EqualValues(t, len(all)-1, all[len(all)-1].Frames)
}

func TestMemoryOf_WarmUp_LeftOut(t *testing.T) {
	var all []speed.Sample
	for i := range 121 { // two hours: a start at 1 GB, then 100 MB and 6 MB an hour more
		rss := int64(100e6 + 1e5*i)
		if i < 5 {
			rss = 1e9
		}
		all = append(all, speed.Sample{After: time.Duration(i) * time.Minute, RSS: rss})
	}
	m := speed.MemoryOf(all)
	require.Equal(t, 5*time.Minute, m.WarmUp)
	require.Equal(t, 116, m.Samples)
	require.EqualValues(t, 100.5e6, m.First)
	require.EqualValues(t, 112e6, m.Max)
	require.Equal(t, m.Max, m.Last)
	require.Equal(t, m.First, m.Min)
	require.InDelta(t, 6e6, m.Growth, 1)

	require.Zero(t, speed.MemoryOf(all[:9]).Growth, "too few samples")
	require.Zero(t, speed.MemoryOf(nil))
}

package motion_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/motion"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

func TestGate_MotionAndRefresh_Open(t *testing.T) {
	t.Parallel()
	still := frametest.Noise(t, 320, 240)
	g := motion.New(motion.Options{})
	passed := 0
	at := func(i int) time.Duration { return time.Duration(i) * 100 * time.Millisecond }
	for i := range 200 {
		if g.Pass(&still.Image, at(i)) {
			passed++
			require.True(t, i <= 20 || (i-20)%50 == 0, "frame %d", i)
		}
	}
	require.Equal(t, 21+3, passed, "two seconds, then every five")

	s, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: "test://people?people=1&frames=150&size=320x240"}, ingest.Options{Pace: ingest.Fast})
	require.NoError(t, err)
	defer s.Close()
	p, err := ingest.ParsePattern("test://people?people=1&size=320x240")
	require.NoError(t, err)
	g = motion.New(motion.Options{})
	for range 150 {
		var f ingest.Frame
		require.NoError(t, s.Next(context.Background(), &f))
		pass := g.Pass(&f.Image, f.PTS)
		if p.Boxes(f.Seq)[0].Dx() > 10 {
			require.True(t, pass, "frame %d", f.Seq)
		}
	}
}

func TestGate_Clips_FewMissesAndSomeSaved(t *testing.T) {
	for _, c := range []struct {
		clip  string
		saves float64 // at least
	}{{"video/vtest.avi", 0}, {"video/one-by-one-person-detection.mp4", 0.02}} {
		d, err := detector.New(onnxtest.Open(t, testenv.Data(t, "models/rtmdet_nano_person.onnx")), detector.Options{Classes: []string{"person"}, Score: 0.5})
		require.NoError(t, err)
		g := motion.New(motion.Options{})
		var objs []event.Object
		frames, closed, checked, people, missed := 0, 0, 0, 0, 0
		frametest.Each(t, c.clip, 1, func(f *ingest.Frame) {
			pass := g.Pass(&f.Image, f.PTS)
			frames++
			if !pass {
				closed++
			}
			if f.Seq%25 != 0 { // the detector runs on every 25th to know better
				return
			}
			objs, err = d.Detect(f, objs)
			require.NoError(t, err)
			checked++
			if len(objs) > 0 {
				people++
				if !pass {
					missed++
				}
			}
		})
		t.Logf("%s: closed for %d of %d frames; of %d checked at, people in %d, missed %d", c.clip, closed, frames, checked, people, missed)
		require.LessOrEqual(t, missed*50, people, "at most 2 %%")
		require.GreaterOrEqual(t, float64(closed), c.saves*float64(frames))
	}
}

func TestGate_MotionInIgnoredArea_Closed(t *testing.T) {
	t.Parallel()
	passed := func(o motion.Options) (n int) {
		s, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: "test://people?people=0&frames=120&fps=10"}, ingest.Options{Pace: ingest.Fast})
		require.NoError(t, err)
		defer s.Close()
		g := motion.New(o)
		for range 120 {
			var f ingest.Frame
			require.NoError(t, s.Next(context.Background(), &f))
			if g.Pass(&f.Image, f.PTS) {
				n++
			}
		}
		return n
	}
	require.Equal(t, 120, passed(motion.Options{}), "the clock in the picture ticks")
	require.Equal(t, 21+1, passed(motion.Options{Ignore: func(_, y float64) bool { return y < 0.1 }}))
}

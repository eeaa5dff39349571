package track_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// watched is a tracker that sees every so many frames of a clip, and what it
// may get wrong.
type watched struct {
	every           int64
	atLeast, atMost score // found; the rest

	tracker *track.Tracker
	got     *score
	numbers map[int64]bool
}

// TestTracker_Clips_NumbersStay leaves a little room for a CPU that adds in another
// order; what was counted stands beside it: found, false, switches,
// fragmentations. yolox_nano's false one is a rock.
func TestTracker_Clips_NumbersStay(t *testing.T) {
	lib := onnxtest.Library(t)
	const vtest, oneByOne = "vtest.avi", "one-by-one-person-detection.mp4" // 10 frames a second
	for _, c := range []struct {
		clip, reference string
		step            int64 // the reference has every step-th frame
		model           string
		rates           []watched
	}{
		{vtest, "vtest.txt", 4, "person-nano.onnx", []watched{
			{every: 1, atLeast: score{found: 1077}, atMost: score{false: 25, switches: 30, fragmentations: 36}}, // 1091, 17, 26, 32
			{every: 5, atLeast: score{found: 208}, atMost: score{false: 6, switches: 13, fragmentations: 11}},   // 214, 3, 10, 8
		}},
		{vtest, "vtest.txt", 4, "yolox_nano.onnx", []watched{
			{every: 1, atLeast: score{found: 1085}, atMost: score{false: 225, switches: 29, fragmentations: 30}}, // 1096, 212, 26, 26
			{every: 5, atLeast: score{found: 215}, atMost: score{false: 45, switches: 8, fragmentations: 8}},     // 220, 41, 5, 5
		}},
		{vtest, "vtest.txt", 4, "rtmdet_nano_person.onnx", []watched{
			{every: 1, atLeast: score{found: 1072}, atMost: score{false: 28, switches: 27, fragmentations: 24}}, // 1083, 20, 24, 20
			{every: 5, atLeast: score{found: 207}, atMost: score{false: 3, switches: 13, fragmentations: 9}},    // 212, 0, 10, 6
		}},
		{oneByOne, "one-by-one.txt", 10, "person-nano.onnx", []watched{
			{every: 1, atLeast: score{found: 103}},                            // 105, 0, 0, 0
			{every: 5, atLeast: score{found: 99}, atMost: score{switches: 1}}, // 100, 0, 0, 0
		}},
		{oneByOne, "one-by-one.txt", 10, "rtmdet_nano_person.onnx", []watched{
			{every: 1, atLeast: score{found: 104}, atMost: score{false: 3}},    // 105, 2, 0, 0
			{every: 5, atLeast: score{found: 101}, atMost: score{switches: 1}}, // 102, 0, 0, 0
		}},
	} {
		t.Run(c.clip+" "+c.model, func(t *testing.T) {
			t.Parallel()
			reference := readReference(t, filepath.Join("testdata", c.reference))
			path := filepath.Join(testenv.Root(), "models", c.model)
			if _, err := os.Stat(path); err != nil {
				path = testenv.Data(t, "models/"+c.model)
			}
			s, err := onnx.Open(path, onnx.Options{Library: lib, Threads: 1})
			require.NoError(t, err)
			defer s.Close()
			d, err := detector.New(s, detector.Options{Classes: []string{"person"}, Score: track.Low})
			require.NoError(t, err)
			src, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: testenv.Data(t, "video/"+c.clip)}, ingest.Options{Pace: ingest.Fast})
			require.NoError(t, err)
			defer src.Close()
			for i := range c.rates {
				w := &c.rates[i]
				w.tracker, w.got, w.numbers = track.New(track.Options{High: s.Spec().Score}), newScore(), map[int64]bool{}
			}

			var seen, objs []event.Object
			for {
				var f ingest.Frame
				if err := src.Next(context.Background(), &f); errors.Is(err, io.EOF) {
					break
				}
				seen, err = d.Detect(&f, seen)
				require.NoError(t, err)
				for _, w := range c.rates {
					if f.Seq%w.every != 0 {
						continue
					}
					objs = w.tracker.Update(append(objs[:0], seen...), f.PTS)
					for _, o := range objs {
						if o.TrackID != nil {
							w.numbers[*o.TrackID] = true
						}
					}
					if f.Seq%c.step == 0 {
						w.got.frame(reference[f.Seq], objs, func(format string, args ...any) {
							t.Logf("frame %d of every %d: "+format, append([]any{f.Seq, w.every}, args...)...)
						})
					}
				}
			}
			for _, w := range c.rates {
				got := w.got
				t.Logf("every %d: %d places of %d people: %d found, %d false, %d switches, %d fragmentations, %d numbers, MOTA %.3f, IDF1 %.3f", w.every,
					got.places, len(got.number), got.found, got.false, got.switches, got.fragmentations, len(w.numbers), got.mota(), got.idf1())
				require.GreaterOrEqual(t, got.found, w.atLeast.found)
				require.LessOrEqual(t, got.false, w.atMost.false)
				require.LessOrEqual(t, got.switches, w.atMost.switches)
				require.LessOrEqual(t, got.fragmentations, w.atMost.fragmentations)
			}
		})
	}
}

package detector_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// Frames with a person, at the model's default threshold, on two whole clips:
// vtest.avi, where somebody is in each of the 795, and car-detection.mp4, where
// nobody is in any of the 377; and from which threshold on there are none in
// the latter.
//
//	model               threshold  vtest  cars  none from  lowest best on vtest
//	yolox_nano          0.30       795    0     0.24       0.55
//	rtmdet_nano_person  0.40       795    9     0.51       0.58
//	nanodet_m           0.45       795    0     0.32       0.62
//
// The test uses every 15th frame of the one and every third of the other:
// the four of the family see somebody in all 53 and nobody in the 126.
func TestModels_ClipsWithAndWithoutPeople_FoundOnlyWherePresent(t *testing.T) {
	for _, c := range []struct {
		model     string
		threshold float32
		cars      int // frames of the 126 with somebody, at most
	}{
		{"person-nano", 0.74, 0},
		{"person-nano-int8", 0.74, 0},
		{"person-small", 0.70, 0},
		{"person-small-int8", 0.72, 0},
		{"yolox_nano", 0.3, 0},
		{"rtmdet_nano_person", 0.4, 4},
		{"nanodet_m", 0.45, 0},
	} {
		t.Run(c.model, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(testenv.Root(), "models", c.model+".onnx")
			if !strings.HasPrefix(c.model, "person-") {
				path = testenv.Data(t, "models/"+c.model+".onnx")
			}
			s, err := onnx.Open(path, onnx.Options{Library: onnxtest.Library(t), Threads: 1})
			require.NoError(t, err)
			defer s.Close()
			d, err := newDetector(s, detector.Options{Classes: []string{"person"}})
			require.NoError(t, err)
			require.InDelta(t, c.threshold, s.Spec().Score, 1e-6)

			var objs []event.Object
			with := func(clip string, step int64) (frames, with int) {
				frames = frametest.Each(t, clip, step, func(f *ingest.Frame) {
					objs, err = d.Detect(f, objs)
					require.NoError(t, err)
					if len(objs) > 0 {
						with++
					}
				})
				return frames, with
			}
			frames, n := with("video/vtest.avi", 15)
			require.Equal(t, 53, frames)
			require.Equal(t, frames, n)
			frames, n = with("video/car-detection.mp4", 3)
			require.Equal(t, 126, frames)
			t.Logf("%d of %d frames of cars have a person", n, frames)
			require.LessOrEqual(t, n, c.cars)
		})
	}
}

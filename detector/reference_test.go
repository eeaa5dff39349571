package detector_test

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"os"
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

var update = flag.Bool("update", false, "write the stored references anew, from the plain implementation")

// newDetector gives the options the model's own score where they have none.
func newDetector(m detector.Model, o detector.Options) (*detector.Detector, error) {
	if o.Score == 0 {
		o.Score = m.Spec().Score
	}
	return detector.New(m, o)
}

func session(t testing.TB, model string) *onnx.Session {
	t.Helper()
	s, err := onnx.Open(testenv.Data(t, "models/"+model), onnx.Options{Library: onnxtest.Library(t), Threads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// requireSame compares objects with boxes one to one: overlap at least 0.95,
// scores within 0.02. A box within that of the threshold may be in one alone.
func requireSame(t testing.TB, want []plainBox, got []event.Object, threshold float64, where string) {
	t.Helper()
	used := make([]bool, len(got))
	for _, w := range want {
		found := false
		for i, g := range got {
			b := plainBox{float64(g.Box[0]), float64(g.Box[1]), float64(g.Box[2]), float64(g.Box[3]), float64(g.Score), g.ClassID}
			if !used[i] && b.class == w.class && plainIoU(b, w) >= 0.95 && math.Abs(b.score-w.score) <= 0.02 {
				used[i], found = true, true
				break
			}
		}
		require.Truef(t, found || w.score < threshold+0.02, "%s: nothing found for %+v among %+v", where, w, got)
	}
	for i, g := range got {
		require.Truef(t, used[i] || float64(g.Score) < threshold+0.02, "%s: %+v is not in the reference %+v", where, g, want)
	}
}

const referenceFile = "testdata/vtest-yolox_nano.txt"

// referenceFrames are spread over vtest.avi; each shows several people.
const referenceStep = 53

func TestDetect_YOLOXNanoOnVtest_EqualsStoredReference(t *testing.T) {
	s := session(t, "yolox_nano.onnx")
	const score, iou = 0.3, 0.45
	if *update {
		f, err := os.Create(referenceFile)
		require.NoError(t, err)
		fmt.Fprintf(f, "# yolox_nano.onnx on vtest.avi, every %dth frame, persons of score >= %g, NMS at IoU %g.\n", referenceStep, score, iou)
		fmt.Fprintf(f, "# Made by the plain implementation in plain_test.go: go test ./detector -run Stored -update\n# frame score x1 y1 x2 y2\n")
		frametest.Each(t, "video/vtest.avi", referenceStep, func(fr *ingest.Frame) {
			in, back := plainLetterbox(s.Spec(), &fr.Image, 416, 416)
			out, err := s.Run(in)
			require.NoError(t, err)
			for _, b := range plainNMS(plainYOLOX(out, 416, 416), score, iou, 0) {
				b = back(b)
				fmt.Fprintf(f, "%d %.4f %.2f %.2f %.2f %.2f\n", fr.Seq, b.score, b.x1, b.y1, b.x2, b.y2)
			}
		})
		require.NoError(t, f.Close())
	}

	stored := map[int64][]plainBox{}
	f, err := os.Open(referenceFile)
	require.NoError(t, err)
	defer f.Close()
	boxes := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if lines.Text()[0] == '#' {
			continue
		}
		var b plainBox
		var seq int64
		_, err := fmt.Sscan(lines.Text(), &seq, &b.score, &b.x1, &b.y1, &b.x2, &b.y2)
		require.NoError(t, err)
		stored[seq] = append(stored[seq], b)
		boxes++
	}
	require.Greater(t, boxes, 50)

	d, err := newDetector(s, detector.Options{Classes: []string{"person"}, Score: score})
	require.NoError(t, err)
	var objs []event.Object
	frames := frametest.Each(t, "video/vtest.avi", referenceStep, func(fr *ingest.Frame) {
		objs, err = d.Detect(fr, objs)
		require.NoError(t, err)
		requireSame(t, stored[fr.Seq], objs, score, fmt.Sprintf("frame %d", fr.Seq))
		for i, o := range objs {
			require.Equal(t, i, o.Index)
			require.Equal(t, "person", o.Label)
			require.True(t, i == 0 || o.Score <= objs[i-1].Score)
		}
	})
	require.Equal(t, 15, frames)
}

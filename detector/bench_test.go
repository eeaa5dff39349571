package detector_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// empty is a model that costs nothing: what is left is the detector's own
// work, before and after it.
type empty struct {
	detector.Model
	out []detector.Tensor
}

func (e *empty) Run(*detector.Tensor) ([]detector.Tensor, error) { return e.out, nil }

func firstFrame(b testing.TB) (*ingest.Frame, func()) {
	b.Helper()
	s, err := ingest.Open(context.Background(), ingest.Spec{ID: "bench", URI: testenv.Data(b, "video/vtest.avi")}, ingest.Options{Pace: ingest.Fast})
	require.NoError(b, err)
	var f ingest.Frame
	require.NoError(b, s.Next(context.Background(), &f))
	return &f, func() { require.NoError(b, s.Close()) }
}

// BenchmarkBesideTheModel is preprocessing and postprocessing of one 768x576
// frame with YOLOX-nano's real outputs.
func BenchmarkBesideTheModel(b *testing.B) {
	f, done := firstFrame(b)
	defer done()
	s := session(b, "yolox_nano.onnx")
	d, err := newDetector(s, detector.Options{Classes: []string{"person"}})
	require.NoError(b, err)
	var objs []event.Object
	objs, err = d.Detect(f, objs)
	require.NoError(b, err)
	in, _ := plainLetterbox(s.Spec(), &f.Image, 416, 416)
	out, err := s.Run(in)
	require.NoError(b, err)
	d, err = newDetector(&empty{s, out}, detector.Options{Classes: []string{"person"}})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		objs, err = d.Detect(f, objs)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(objs)), "people")
}

// BenchmarkDetect is the same with the model run.
func BenchmarkDetect(b *testing.B) {
	f, done := firstFrame(b)
	defer done()
	d, err := newDetector(session(b, "yolox_nano.onnx"), detector.Options{Classes: []string{"person"}})
	require.NoError(b, err)
	var objs []event.Object
	b.ReportAllocs()
	for b.Loop() {
		if objs, err = d.Detect(f, objs); err != nil {
			b.Fatal(err)
		}
	}
}

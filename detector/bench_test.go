package detector_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/onnxtest"
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
	d, err := detector.New(s, detector.Options{Classes: []string{"person"}})
	require.NoError(b, err)
	var objs []event.Object
	objs, err = d.Detect(f, objs)
	require.NoError(b, err)
	in, _ := plainLetterbox(s.Spec(), &f.Image, 416, 416)
	out, err := s.Run(in)
	require.NoError(b, err)
	d, err = detector.New(&empty{s, out}, detector.Options{Classes: []string{"person"}})
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
	d, err := detector.New(session(b, "yolox_nano.onnx"), detector.Options{Classes: []string{"person"}})
	require.NoError(b, err)
	var objs []event.Object
	b.ReportAllocs()
	for b.Loop() {
		if objs, err = d.Detect(f, objs); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWholeDetector compares, in one run on the same frames, the detector
// from source to sighting with bare decoding and bare inference.
func BenchmarkWholeDetector(b *testing.B) {
	clip := testenv.Data(b, "video/vtest.avi")
	own := filepath.Join(testenv.Root(), "models", "person-nano.onnx")
	for _, c := range []struct{ name, model, source string }{
		{"person-nano-drawn", own, "test://people?size=768x576&frames=200"},
		{"person-nano-vtest", own, clip},
		{"yolox_nano-vtest", testenv.Data(b, "models/yolox_nano.onnx"), clip},
		{"rtmdet_nano_person-vtest", testenv.Data(b, "models/rtmdet_nano_person.onnx"), clip},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := onnx.Open(c.model, onnx.Options{Library: onnxtest.Library(b), Threads: 1})
			require.NoError(b, err)
			defer s.Close()
			for b.Loop() {
				speed, err := detector.MeasureSpeed(context.Background(), detector.Trial{
					Open: func() (ingest.Source, error) {
						return ingest.Open(context.Background(), ingest.Spec{ID: "bench", URI: c.source}, ingest.Options{Pace: ingest.Fast})
					},
					Model: s, Options: detector.Options{Classes: []string{"person"}},
				}, 1)
				require.NoError(b, err)
				b.ReportMetric(speed.Decode, "decode-cpu-ms/frame")
				b.ReportMetric(speed.Infer, "infer-cpu-ms/frame")
				b.ReportMetric(speed.Whole, "whole-cpu-ms/frame")
				b.ReportMetric(speed.Wall, "wall-ms/frame")
				b.ReportMetric(speed.Beside, "beside-cpu-ms/frame")
				b.ReportMetric(speed.Allocs, "allocs/detect")
				b.ReportMetric(speed.Ratio, "ratio")
			}
		})
	}
}

package speed_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/speed"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

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
			s := onnxtest.Open(b, c.model)
			for b.Loop() {
				got, err := speed.Measure(context.Background(), speed.Trial{
					Open: func() (ingest.Source, error) {
						return ingest.Open(context.Background(), ingest.Spec{ID: "bench", URI: c.source}, ingest.Options{Pace: ingest.Fast})
					},
					Model: s, Options: detector.Options{Classes: []string{"person"}, Score: s.Spec().Score},
				}, 1)
				require.NoError(b, err)
				b.ReportMetric(got.Decode, "decode-cpu-ms/frame")
				b.ReportMetric(got.Infer, "infer-cpu-ms/frame")
				b.ReportMetric(got.Whole, "whole-cpu-ms/frame")
				b.ReportMetric(got.Wall, "wall-ms/frame")
				b.ReportMetric(got.PrePost, "beside-cpu-ms/frame")
				b.ReportMetric(got.Allocs, "allocs/detect")
				b.ReportMetric(got.Ratio, "ratio")
			}
		})
	}
}

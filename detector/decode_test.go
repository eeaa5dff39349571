package detector_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
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

// Plain readings of each layout, for any batch of one.

func at(t detector.Tensor, i ...int) float64 {
	shape := t.Shape
	for len(shape) > len(i) {
		shape = shape[1:]
	}
	k := 0
	for d, v := range i {
		k = k*int(shape[d]) + v
	}
	return float64(t.F32[k])
}

func plainArgmax(n int, score func(c int) float64) (int, float64) {
	class := 0
	for c := 1; c < n; c++ {
		if score(c) > score(class) {
			class = c
		}
	}
	return class, score(class)
}

func plainCentred(cx, cy, w, h, score float64, class int) plainBox {
	return plainBox{cx - w/2, cy - h/2, cx + w/2, cy + h/2, score, class}
}

func plainYOLOv5(out []detector.Tensor, _, _ int) (all []plainBox) {
	o := out[0]
	for i := range int(o.Shape[1]) {
		c, p := plainArgmax(int(o.Shape[2])-5, func(c int) float64 { return at(o, i, 5+c) })
		all = append(all, plainCentred(at(o, i, 0), at(o, i, 1), at(o, i, 2), at(o, i, 3), at(o, i, 4)*p, c))
	}
	return all
}

func plainYOLOv8(out []detector.Tensor, _, _ int) (all []plainBox) {
	o := out[0]
	for i := range int(o.Shape[2]) {
		c, p := plainArgmax(int(o.Shape[1])-4, func(c int) float64 { return at(o, 4+c, i) })
		all = append(all, plainCentred(at(o, 0, i), at(o, 1, i), at(o, 2, i), at(o, 3, i), p, c))
	}
	return all
}

func plainSightlog(out []detector.Tensor, _, _ int) (all []plainBox) {
	for i := range int(out[0].Shape[1]) {
		c, p := plainArgmax(int(out[1].Shape[2]), func(c int) float64 { return at(out[1], i, c) })
		b := out[0]
		all = append(all, plainBox{at(b, i, 0), at(b, i, 1), at(b, i, 2), at(b, i, 3), p, c})
	}
	return all
}

func plainMMDeploy(out []detector.Tensor, _, _ int) (all []plainBox) {
	d := out[0]
	for i := range int(d.Shape[1]) {
		all = append(all, plainBox{at(d, i, 0), at(d, i, 1), at(d, i, 2), at(d, i, 3), at(d, i, 4), int(out[1].I64[i])})
	}
	return all
}

func plainEnd2End(out []detector.Tensor, _, _ int) (all []plainBox) {
	d := out[0]
	for i := range int(d.Shape[1]) {
		all = append(all, plainBox{at(d, i, 0), at(d, i, 1), at(d, i, 2), at(d, i, 3), at(d, i, 4), int(at(d, i, 5))})
	}
	return all
}

func plainBoxes(out []detector.Tensor, _, _ int) (all []plainBox) {
	labels, b, scores := out[0], out[1], out[2]
	for i := range int(b.Shape[1]) {
		all = append(all, plainBox{at(b, i, 0), at(b, i, 1), at(b, i, 2), at(b, i, 3), at(scores, i), int(labels.I64[i])})
	}
	return all
}

func plainDETR(out []detector.Tensor, w, h int) (all []plainBox) {
	b, l := out[0], out[1]
	if l.Name == "pred_boxes" {
		b, l = l, b
	}
	for i := range int(b.Shape[1]) {
		c, p := plainArgmax(int(l.Shape[2]), func(c int) float64 { return 1 / (1 + math.Exp(-at(l, i, c))) })
		fw, fh := float64(w), float64(h)
		all = append(all, plainCentred(at(b, i, 0)*fw, at(b, i, 1)*fh, at(b, i, 2)*fw, at(b, i, 3)*fh, p, c))
	}
	return all
}

// plainNanoDet wants the outputs as scores of strides 8, 16, 32, then
// distances of them, whatever their order in the graph.
func plainNanoDet(out []detector.Tensor, w, h int) (all []plainBox) {
	for _, stride := range []int{8, 16, 32} {
		cells := (w / stride) * (h / stride)
		var s, d detector.Tensor
		for _, o := range out {
			if int(o.Shape[1]) == cells && o.Shape[2] == 32 {
				d = o
			} else if int(o.Shape[1]) == cells {
				s = o
			}
		}
		for i := range cells {
			c, p := plainArgmax(int(s.Shape[2]), func(c int) float64 { return at(s, i, c) })
			var side [4]float64
			for k := range side {
				sum, mean := 0.0, 0.0
				for bin := range 8 {
					e := math.Exp(at(d, i, 8*k+bin))
					sum, mean = sum+e, mean+e*float64(bin)
				}
				side[k] = mean / sum * float64(stride)
			}
			x := (float64(i%(w/stride)) + 0.5) * float64(stride)
			y := (float64(i/(w/stride)) + 0.5) * float64(stride)
			all = append(all, plainBox{x - side[0], y - side[1], x + side[2], y + side[3], p, c})
		}
	}
	return all
}

type plainDecoder func(out []detector.Tensor, w, h int) []plainBox

// equalsPlain compares a detector with the plain implementation on a frame.
func equalsPlain(t *testing.T, s *onnx.Session, f *ingest.Frame, in [2]int, decode plainDecoder, suppress bool, class int, score float32, where string) int {
	t.Helper()
	opts := detector.Options{Score: score}
	if class >= 0 {
		opts.Classes = []string{s.Spec().Classes[class]}
	}
	d, err := newDetector(s, opts)
	require.NoError(t, err)
	got, err := d.Detect(f, nil)
	require.NoError(t, err)
	require.Equal(t, in, d.Model().Input)
	got = append([]event.Object(nil), got...)

	tensor, back := plainLetterbox(s.Spec(), &f.Image, in[0], in[1])
	out, err := s.Run(tensor)
	require.NoError(t, err)
	limit := float64(s.Spec().IoU)
	if !suppress {
		limit = 1
	}
	var want []plainBox
	for _, b := range plainNMS(decode(out, in[0], in[1]), float64(score), limit, class) {
		if b = back(b); b.x2 > b.x1 && b.y2 > b.y1 {
			want = append(want, b)
		}
	}
	requireSame(t, want, got, float64(score), where)
	return len(want)
}

func TestDecoders_RealModels_EqualThePlainReading(t *testing.T) {
	for _, c := range []struct {
		file, decoder string
		input         [2]int // on vtest.avi, 768x576
		decode        plainDecoder
		suppress      bool
		score         float32
		step          int64
		atLeast       int
	}{
		{"yolox_nano.onnx", "yolox", [2]int{416, 416}, plainYOLOX, true, 0.25, 397, 8},
		{"rtmdet_nano_person.onnx", "mmdeploy", [2]int{320, 256}, plainMMDeploy, false, 0.3, 397, 8},
		{"nanodet_m.onnx", "nanodet", [2]int{416, 416}, plainNanoDet, true, 0.3, 397, 4},
		{"yolov8n_int8_agpl.onnx", "yolov8", [2]int{640, 640}, plainYOLOv8, true, 0.25, 794, 4},
	} {
		t.Run(c.file, func(t *testing.T) {
			s := session(t, c.file)
			require.Equal(t, c.decoder, s.Spec().Decoder)
			require.Equal(t, "person", s.Spec().Classes[0])
			people := 0
			frametest.Each(t, "video/vtest.avi", c.step, func(f *ingest.Frame) {
				people += equalsPlain(t, s, f, c.input, c.decode, c.suppress, 0, c.score, fmt.Sprintf("frame %d", f.Seq))
				equalsPlain(t, s, f, c.input, c.decode, c.suppress, -1, c.score, fmt.Sprintf("frame %d, all classes", f.Seq))
			})
			require.GreaterOrEqual(t, people, c.atLeast)
		})
	}
}

// Our own model needs no file but the one in this repository.
func TestDecoders_PersonNano_EqualsThePlainReading(t *testing.T) {
	s, err := onnx.Open(filepath.Join(testenv.Root(), "models", "person-nano.onnx"), onnx.Options{Library: onnxtest.Library(t), Threads: 1})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, "sightlog", s.Spec().Decoder)
	require.Equal(t, []string{"person"}, s.Spec().Classes)
	src, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: "test://people?frames=200"}, ingest.Options{Pace: ingest.Fast})
	require.NoError(t, err)
	defer src.Close()
	people := 0
	for {
		var f ingest.Frame
		if err := src.Next(context.Background(), &f); errors.Is(err, io.EOF) {
			break
		}
		if f.Seq%20 == 0 {
			people += equalsPlain(t, s, &f, [2]int{320, 256}, plainSightlog, true, 0, 0.25, fmt.Sprintf("frame %d", f.Seq))
		}
	}
	require.Greater(t, people, 10)
}

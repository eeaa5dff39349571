package detector_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
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
	"github.com/sightlog/sightlog/internal/tinyonnx"
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

// head builds a graph that computes rows×cols numbers from the picture with
// fixed random weights: a convolution over cells of the stride, reshaped.
type head struct {
	tinyonnx.Graph
	rng *rand.Rand
	w   int
	h   int
}

func newHead(w, h int, names string) *head {
	g := &head{rng: rand.New(rand.NewPCG(1, 2)), w: w, h: h}
	g.Input("images", tinyonnx.Float32, 1, 3, int64(h), int64(w))
	if names != "" {
		g.Metadata = map[string]string{"names": names}
	}
	return g
}

// cellsOf makes [1,channels,cells] called name, normalised to about ±gain.
func (g *head) cellsOf(name string, stride, channels int, gain, bias float32, std float32) int {
	n := 3 * stride * stride
	w := make([]float32, channels*n)
	for i := range w {
		w[i] = (g.rng.Float32() - 0.5) * gain / float32(stride) / (255 / std)
	}
	b := make([]float32, channels)
	for i := range b {
		b[i] = bias + (g.rng.Float32()-0.5)*gain
	}
	g.Floats(name+"_w", w, int64(channels), 3, int64(stride), int64(stride))
	g.Floats(name+"_b", b, int64(channels))
	g.Ints(name+"_s", []int64{1, int64(channels), -1}, 3)
	s := int64(stride)
	g.Node("Conv", []string{"images", name + "_w", name + "_b"}, []string{name + "_y"}, map[string]any{"strides": []int64{s, s}, "kernel_shape": []int64{s, s}})
	g.Node("Reshape", []string{name + "_y", name + "_s"}, []string{name}, nil)
	return (g.w / stride) * (g.h / stride)
}

func (g *head) op(op string, out string, in ...string) { g.Node(op, in, []string{out}, nil) }

func (g *head) transpose(out, in string) {
	g.Node("Transpose", []string{in}, []string{out}, map[string]any{"perm": []int64{0, 2, 1}})
}

func (g *head) concat(out string, axis int64, in ...string) {
	g.Node("Concat", in, []string{out}, map[string]any{"axis": axis})
}

// scaled multiplies sigmoid(in) by k: a length of up to k pixels.
func (g *head) scaled(out, in string, k float32) {
	g.Floats(out+"_k", []float32{k}, 1)
	g.op("Sigmoid", out+"_p", in)
	g.op("Mul", out, out+"_p", out+"_k")
}

// corners makes [1,n,4] of x1,y1,x2,y2 from a point and a size.
func (g *head) corners(out string, stride int, std float32) {
	g.cellsOf(out+"_pos", stride, 2, 6, 0, std)
	g.cellsOf(out+"_size", stride, 2, 3, 0, std)
	g.scaled(out+"_p1", out+"_pos", float32(min(g.w, g.h)))
	g.scaled(out+"_d", out+"_size", 40)
	g.op("Add", out+"_p2", out+"_p1", out+"_d")
	g.concat(out+"_t", 1, out+"_p1", out+"_p2")
	g.transpose(out, out+"_t")
}

func TestDecoders_BuiltGraphs_EqualThePlainReading(t *testing.T) {
	f, done := firstFrame(t)
	defer done()
	const w, h = 96, 64
	for _, c := range []struct {
		name     string
		build    func() *head
		decode   plainDecoder
		suppress bool
		classes  int
	}{
		{"yolov5", func() *head {
			g := newHead(w, h, "{0: 'person', 1: 'cat', 2: \"dog's\"}")
			var parts []string
			for _, s := range []int{8, 16, 32} {
				for a := range 3 { // three anchors a cell
					p := fmt.Sprintf("s%d_%d", s, a)
					g.cellsOf(p+"a", s, 2, 6, 0, 255)
					g.cellsOf(p+"b", s, 2, 3, 0, 255)
					g.cellsOf(p+"c", s, 4, 6, 0, 255)
					g.scaled(p+"xy", p+"a", w)
					g.scaled(p+"wh", p+"b", 50)
					g.op("Sigmoid", p+"sc", p+"c")
					g.concat(p, 1, p+"xy", p+"wh", p+"sc")
					parts = append(parts, p)
				}
			}
			g.concat("all", 2, parts...)
			g.transpose("output0", "all")
			g.Output("output0", tinyonnx.Float32, 1, 3*(12*8+6*4+3*2), 8)
			return g
		}, plainYOLOv5, true, 3},
		{"sightlog", func() *head {
			g := newHead(w, h, `["person","cat"]`)
			g.Metadata["decoder"], g.Metadata["threshold"] = "sightlog", "0.41"
			g.corners("boxes", 8, 1)
			g.cellsOf("s", 8, 2, 6, 0, 1)
			g.op("Sigmoid", "s1", "s")
			g.transpose("scores", "s1")
			g.Output("boxes", tinyonnx.Float32, -1, -1, 4)
			g.Output("scores", tinyonnx.Float32, -1, -1, 2)
			return g
		}, plainSightlog, true, 2},
		{"end2end", func() *head {
			g := newHead(w, h, "{0: 'person', 1: 'cat', 2: 'dog', 3: 'cow'}")
			g.corners("b", 8, 255)
			g.cellsOf("s", 8, 2, 6, 1.5, 255)
			g.op("Sigmoid", "s1", "s")
			g.transpose("s2", "s1")
			g.Ints("one", []int64{1, 1}, 2)
			g.Node("Split", []string{"s2", "one"}, []string{"score", "c1"}, map[string]any{"axis": int64(2)})
			g.Floats("four", []float32{4}, 1)
			g.op("Mul", "c2", "c1", "four")
			g.op("Floor", "class", "c2")
			g.concat("output0", 2, "b", "score", "class")
			g.Output("output0", tinyonnx.Float32, 1, 12*8, 6)
			return g
		}, plainEnd2End, false, 4},
		{"boxes", func() *head {
			g := newHead(w, h, "")
			g.Input(detector.SizeInput, tinyonnx.Int64, 1, 2)
			g.corners("b", 8, 255)
			// Boxes of the input's own size, as the second input asks for.
			g.Floats("own", []float32{1.0 / w, 1.0 / h, 1.0 / w, 1.0 / h}, 4)
			g.Node("Cast", []string{detector.SizeInput}, []string{"size"}, map[string]any{"to": int64(tinyonnx.Float32)})
			g.concat("size4", 1, "size", "size")
			g.op("Mul", "part", "b", "own")
			g.op("Mul", "boxes", "part", "size4")
			g.cellsOf("s", 8, 2, 6, 1.5, 255)
			g.op("Sigmoid", "s1", "s")
			g.Ints("one", []int64{1, 1}, 2)
			g.Node("Split", []string{"s1", "one"}, []string{"s2", "c1"}, map[string]any{"axis": int64(1)})
			g.Ints("flat", []int64{1, -1}, 2)
			g.op("Reshape", "scores", "s2", "flat")
			g.Floats("four", []float32{4}, 1)
			g.op("Mul", "c2", "c1", "four")
			g.op("Reshape", "c3", "c2", "flat")
			g.Node("Cast", []string{"c3"}, []string{"labels"}, map[string]any{"to": int64(tinyonnx.Int64)})
			g.Output("labels", tinyonnx.Int64, -1, -1)
			g.Output("boxes", tinyonnx.Float32, -1, -1, 4)
			g.Output("scores", tinyonnx.Float32, -1, -1)
			return g
		}, plainBoxes, false, 80},
		{"detr", func() *head {
			g := newHead(w, h, "")
			g.cellsOf("d", 8, 4, 6, 0, 58)
			g.op("Sigmoid", "d1", "d")
			g.transpose("dets", "d1")
			g.cellsOf("l", 8, 91, 6, 0, 58)
			g.transpose("labels", "l")
			g.Output("dets", tinyonnx.Float32, 1, 96, 4)
			g.Output("labels", tinyonnx.Float32, 1, 96, 91)
			return g
		}, plainDETR, false, 91},
		{"detr", func() *head { // as Optimum exports D-FINE and RT-DETR
			g := newHead(w, h, "")
			g.cellsOf("d", 8, 4, 6, 0, 255)
			g.op("Sigmoid", "d1", "d")
			g.transpose("pred_boxes", "d1")
			g.cellsOf("l", 8, 80, 6, 0, 255)
			g.transpose("logits", "l")
			g.Output("logits", tinyonnx.Float32, -1, -1, 80)
			g.Output("pred_boxes", tinyonnx.Float32, -1, -1, 4)
			return g
		}, plainDETR, false, 80},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := onnx.OpenBytes(c.build().Bytes(), onnx.Options{Library: onnxtest.Library(t), Threads: 1, Name: c.name})
			require.NoError(t, err)
			defer s.Close()
			require.Equal(t, c.name, s.Spec().Decoder)
			require.Len(t, s.Spec().Classes, c.classes)
			boxes := equalsPlain(t, s, f, [2]int{w, h}, c.decode, c.suppress, -1, 0.4, "all classes")
			require.Greater(t, boxes, 3)
			equalsPlain(t, s, f, [2]int{w, h}, c.decode, c.suppress, 1, 0.4, "one class")
		})
	}
}

// constant answers with the same outputs whatever it is fed.
type constant struct {
	spec detector.Spec
	out  []detector.Tensor
}

func (c *constant) Spec() detector.Spec                             { return c.spec }
func (c *constant) Provider() string                                { return "test" }
func (c *constant) Run(*detector.Tensor) ([]detector.Tensor, error) { return c.out, nil }
func (c *constant) Close() error                                    { return nil }

func tinySpec(decoder string) detector.Spec {
	return detector.Spec{
		Name: "constant", InputW: 32, InputH: 32, Stride: 32, Order: detector.BGR, Std: [3]float32{1, 1, 1}, Pad: 114,
		Letterbox: detector.TopLeft, Decoder: decoder, Classes: []string{"person", "cat"}, Score: 0.3, IoU: 0.5,
	}
}

func TestDetect_OutputsNotNumbers_LeftOutWithOneWarning(t *testing.T) {
	t.Parallel()
	f, done := firstFrame(t)
	defer done()
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	m := &constant{spec: tinySpec("sightlog"), out: []detector.Tensor{
		{Name: "boxes", Shape: []int64{1, 5, 4}, F32: []float32{1, 1, 9, 9, nan, 1, 9, 9, 1, 1, 9, 9, -inf, -inf, inf, inf, 5, 5, 5, 5}},
		{Name: "scores", Shape: []int64{1, 5, 2}, F32: []float32{nan, nan, .9, 0, .8, nan, .4, 0, .9, 0}},
	}}
	d, err := newDetector(m, detector.Options{})
	require.NoError(t, err)
	objs, err := d.Detect(f, nil)
	require.NoError(t, err)
	require.Len(t, objs, 1, "neither what is not a number nor what is boundless is a person")
	require.Equal(t, float32(.8), objs[0].Score)
}

// Whatever the case of the model's names and of the names asked for, objects
// have the one spelling that everything after the detector counts.
func TestClasses_NamesOfAnotherCase_AreFoundAndSpelledAlike(t *testing.T) {
	t.Parallel()
	f, done := firstFrame(t)
	defer done()
	s := tinySpec("sightlog")
	s.Classes = []string{"Person", "CAT", "person "}
	m := &constant{spec: s, out: []detector.Tensor{
		{Name: "boxes", Shape: []int64{1, 3, 4}, F32: []float32{1, 1, 9, 9, 11, 1, 19, 9, 1, 11, 9, 19}},
		{Name: "scores", Shape: []int64{1, 3, 3}, F32: []float32{.9, 0, 0, 0, .8, 0, 0, 0, .7}},
	}}
	d, err := newDetector(m, detector.Options{Classes: []string{"PERSON"}})
	require.NoError(t, err)
	objs, err := d.Detect(f, nil)
	require.NoError(t, err)
	require.Len(t, objs, 2, "two classes have the name")
	for _, o := range objs {
		require.Equal(t, event.Person, o.Label)
	}
	require.Equal(t, "Person", s.Classes[0], "the model's own names stay as they are")
}

func TestDetect_OutputsOfTheWrongShape_FrameError(t *testing.T) {
	t.Parallel()
	f, done := firstFrame(t)
	defer done()
	for _, name := range detector.Decoders() {
		for _, out := range [][]detector.Tensor{
			nil,
			{{Name: "o", Shape: []int64{1}, F32: []float32{1}}},
			{{Name: "o", Shape: []int64{1, 21, 7}, F32: []float32{1}}},
			{{Name: "boxes", Shape: []int64{1, 2, 4}, F32: make([]float32, 8)}, {Name: "scores", Shape: []int64{1, 3, 2}, F32: make([]float32, 6)}},
		} {
			d, err := newDetector(&constant{spec: tinySpec(name), out: out}, detector.Options{})
			require.NoError(t, err)
			_, err = d.Detect(f, nil)
			require.Errorf(t, err, "%s with %v", name, out)
		}
	}
}

package detector_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/tinyonnx"
)

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
			g.Metadata["decoder"], g.Metadata["threshold"], g.Metadata["iou"] = "sightlog", "0.41", "0.2"
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
			if c.name == "sightlog" { // as the export of our own models writes it
				require.Equal(t, []float32{.41, .2}, []float32{s.Spec().Score, s.Spec().IoU})
			}
			require.Len(t, s.Spec().Classes, c.classes)
			boxes := equalsPlain(t, s, f, [2]int{w, h}, c.decode, c.suppress, -1, 0.4, "all classes")
			require.Greater(t, boxes, 3)
			equalsPlain(t, s, f, [2]int{w, h}, c.decode, c.suppress, 1, 0.4, "one class")
		})
	}
}

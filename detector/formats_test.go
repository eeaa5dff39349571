package detector_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/tinyonnx"
)

// yoloxHead makes a graph of YOLOX's raw rows for one class, [1,N,6], called
// raw, and returns N.
func (g *head) yoloxHead() (rows int64) {
	var parts []string
	for _, s := range []int{8, 16, 32} {
		p := fmt.Sprintf("s%d", s)
		rows += int64(g.cellsOf(p+"xy", s, 2, 1, 0.5, 1))
		g.cellsOf(p+"wh", s, 2, 2, 0.5, 1)
		g.cellsOf(p+"sc", s, 2, 6, 2, 1)
		g.op("Sigmoid", p+"p", p+"sc")
		g.concat(p, 1, p+"xy", p+"wh", p+"p")
		parts = append(parts, p)
	}
	g.concat("all", 2, parts...)
	g.transpose("raw", "all")
	return rows
}

// addGrid turns raw rows into input pixels, as --decode_in_inference does.
func (g *head) addGrid(out string, rows int64) {
	var corner, stride []float32
	for _, s := range []int{8, 16, 32} {
		for y := range g.h / s {
			for x := range g.w / s {
				corner = append(corner, float32(x), float32(y))
				stride = append(stride, float32(s))
			}
		}
	}
	g.Floats("corner", corner, 1, rows, 2)
	g.Floats("stride", stride, 1, rows, 1)
	g.Ints("parts", []int64{2, 2, 2}, 3)
	g.Node("Split", []string{"raw", "parts"}, []string{"xy", "wh", "rest"}, map[string]any{"axis": int64(2)})
	g.op("Add", "xy1", "xy", "corner")
	g.op("Mul", "xy2", "xy1", "stride")
	g.op("Exp", "wh1", "wh")
	g.op("Mul", "wh2", "wh1", "stride")
	g.concat(out, 2, "xy2", "wh2", "rest")
}

// blocks is a picture of squares of 16 pixels in colours of their own.
func blocks(t *testing.T, w, h int) *ingest.Frame {
	t.Helper()
	f := frametest.Noise(t, w, h)
	pix, err := f.Image.DataPtrUint8()
	require.NoError(t, err)
	for i := range pix {
		x, y, c := i/3%w, i/3/w, i%3
		pix[i] = pix[3*(y/16*16*w+x/16*16)+c]
	}
	return f
}

func openTiny(t *testing.T, g *head) *onnx.Session {
	t.Helper()
	s, err := onnx.OpenBytes(g.Bytes(), onnx.Options{Name: "tiny", Library: onnxtest.Library(t), Threads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// A row for each cell of the grids is YOLOX, though six columns could be boxes
// after suppression, too; in pixels or not.
func TestRecognise_OneClassYOLOX_RawAndDecodedGiveTheSameBoxes(t *testing.T) {
	t.Parallel()
	const w, h = 96, 64
	f := blocks(t, 192, 128)
	var found [][]event.Object
	for _, names := range []string{"", "{0: 'person'}", `["person"]`} {
		for _, decoded := range []bool{false, true} {
			g := newHead(w, h, names)
			rows := g.yoloxHead()
			plain := plainYOLOX
			if decoded {
				g.addGrid("output", rows)
				plain = plainYOLOv5
			} else {
				g.op("Identity", "output", "raw")
			}
			g.Output("output", tinyonnx.Float32, 1, rows, 6)
			s := openTiny(t, g)
			require.Equal(t, "yolox", s.Spec().Decoder)
			require.Equal(t, detector.BGR, s.Spec().Order)
			where := fmt.Sprintf("names %q, decoded %v", names, decoded)
			require.Greater(t, equalsPlain(t, s, f, [2]int{w, h}, plain, true, 0, 0.5, where), 3, where)
			d, err := newDetector(s, detector.Options{})
			require.NoError(t, err)
			objs, err := d.Detect(f, nil)
			require.NoError(t, err)
			found = append(found, objs)
		}
	}
	for _, objs := range found[1:] {
		require.Len(t, objs, len(found[0]))
		for i, o := range objs {
			require.InDeltaSlice(t, found[0][i].Box[:], o.Box[:], 0.11)
		}
	}
}

func TestRecognise_OneClassYOLOv5WithNames_IsNotEnd2End(t *testing.T) {
	t.Parallel()
	s, err := detector.Recognise(
		[]detector.TensorInfo{{Name: "images", Shape: []int64{1, 3, 640, 640}, Type: detector.Float32}},
		[]detector.TensorInfo{{Name: "output0", Shape: []int64{1, 25200, 6}, Type: detector.Float32}},
		map[string]string{"names": "{0: 'person'}", "stride": "32"}, nil)
	require.NoError(t, err)
	require.Equal(t, "yolov5", s.Decoder)
}

// Where no shape distinguishes a grid from boxes, the number of rows does.
func TestEnd2End_AsManyRowsAsAGrid_IsAnError(t *testing.T) {
	t.Parallel()
	f := frametest.Noise(t, 64, 64)
	for _, c := range []struct {
		decoder string
		rows    int64
		says    string
	}{
		{"end2end", 21, "it may be yolox"},
		{"end2end", 63, "it may be yolov5"},
		{"yolov5", 62, "it may be end2end"},
	} {
		m := &constant{spec: tinySpec(c.decoder), out: []detector.Tensor{{Name: "o", Shape: []int64{1, c.rows, 6}, F32: make([]float32, 6*c.rows)}}}
		d, err := newDetector(m, detector.Options{})
		require.NoError(t, err)
		_, err = d.Detect(f, nil)
		require.ErrorContains(t, err, c.says)
	}
}

// plainPose reads one class and passes over the joints.
func plainPose(out []detector.Tensor, _, _ int) (all []plainBox) {
	o := out[0]
	for i := range int(o.Shape[2]) {
		all = append(all, plainCentred(at(o, 0, i), at(o, 1, i), at(o, 2, i), at(o, 3, i), at(o, 4, i), 0))
	}
	return all
}

// The joints of a pose are numbers far above any score.
func TestPose_JointsAreNoClasses_BoxesAreThoseOfTheScore(t *testing.T) {
	t.Parallel()
	const w, h = 96, 64
	f := blocks(t, 192, 128)
	for name, meta := range map[string]map[string]string{
		"by its task":  {"task": "pose", "names": "{0: 'person'}", "kpt_shape": "[17, 3]"},
		"by its shape": nil,
	} {
		g := newHead(w, h, "")
		g.Metadata = meta
		n := int64(g.cellsOf("a", 8, 2, 6, 0, 255))
		g.cellsOf("b", 8, 2, 3, 0, 255)
		g.cellsOf("c", 8, 1, 6, 3, 255)
		g.cellsOf("d", 8, 51, 6, 0, 255)
		g.scaled("xy", "a", h)
		g.scaled("wh", "b", 20)
		g.op("Sigmoid", "score", "c")
		g.scaled("joints", "d", w)
		g.concat("output0", 1, "xy", "wh", "score", "joints")
		g.Output("output0", tinyonnx.Float32, 1, 56, n)
		s := openTiny(t, g)
		require.Equal(t, "yolov8", s.Spec().Decoder, name)
		require.Equal(t, []string{"person"}, s.Spec().Classes, name)
		require.Greater(t, equalsPlain(t, s, f, [2]int{w, h}, plainPose, true, 0, 0.4, name), 3, name)
	}
}

// variant makes the graph of a YOLOv8 of two classes whose input has the type
// and the order of dimensions, and whose output has a type.
func variant(in int, axes detector.Axes, out int) *head {
	const w, h = 96, 64
	g := newHead(w, h, "")
	g.Graph = tinyonnx.Graph{Metadata: map[string]string{"names": "['person', 'cat']"}}
	shape := []int64{1, 3, h, w}
	if axes == detector.NHWC {
		shape = []int64{1, h, w, 3}
	}
	g.Input("picture", in, shape...)
	g.Node("Cast", []string{"picture"}, []string{"p1"}, map[string]any{"to": int64(tinyonnx.Float32)})
	part := float32(1)
	if in == tinyonnx.Uint8 {
		part = 1.0 / 255
	}
	g.Floats("part", []float32{part}, 1)
	g.op("Mul", "p2", "p1", "part")
	perm := []int64{0, 1, 2, 3}
	if axes == detector.NHWC {
		perm = []int64{0, 3, 1, 2}
	}
	g.Node("Transpose", []string{"p2"}, []string{"images"}, map[string]any{"perm": perm})
	n := int64(g.cellsOf("a", 8, 2, 6, 0, 255))
	g.cellsOf("b", 8, 2, 3, 0, 255)
	g.cellsOf("c", 8, 2, 4, 1.5, 255)
	g.scaled("xy", "a", h)
	g.scaled("wh", "b", 50)
	g.op("Sigmoid", "score", "c")
	g.concat("o", 1, "xy", "wh", "score")
	g.Node("Cast", []string{"o"}, []string{"output0"}, map[string]any{"to": int64(out)})
	g.Output("output0", out, 1, 6, n)
	return g
}

// One network behind every type and order of its input and every type of its
// output: the objects are those of f32, which are those of the plain reading.
func TestInputs_TypesAndAxes_GiveTheSameObjects(t *testing.T) {
	t.Parallel()
	f := blocks(t, 192, 128)
	var want []event.Object
	for _, out := range []int{tinyonnx.Float32, tinyonnx.Float16, tinyonnx.Float64} {
		for _, in := range []int{tinyonnx.Float32, tinyonnx.Float16, tinyonnx.Uint8} {
			for _, axes := range []detector.Axes{detector.NCHW, detector.NHWC} {
				where := fmt.Sprintf("input type %d %s, output type %d", in, axes, out)
				s := openTiny(t, variant(in, axes, out))
				require.Equal(t, axes, s.Spec().Axes, where)
				if want == nil {
					require.Greater(t, equalsPlain(t, s, f, [2]int{96, 64}, plainYOLOv8, true, -1, 0.4, where), 3)
				}
				d, err := newDetector(s, detector.Options{Score: 0.4})
				require.NoError(t, err)
				var got []event.Object
				for range 3 { // the second frame runs with what the first has bound
					got, err = d.Detect(f, got)
					require.NoError(t, err)
				}
				if want == nil {
					want = append(want, got...)
				}
				requireAlike(t, want, got, where)
			}
		}
	}
}

// requireAlike compares objects one to one, as f16 rounds them: those of nearly
// the threshold may be in one alone.
func requireAlike(t *testing.T, want, got []event.Object, where string) {
	t.Helper()
	var boxes []plainBox
	for _, o := range want {
		boxes = append(boxes, plainBox{float64(o.Box[0]), float64(o.Box[1]), float64(o.Box[2]), float64(o.Box[3]), float64(o.Score), o.ClassID})
	}
	requireSame(t, boxes, got, 0.4, where)
}

func TestOutputs_PartsOfTheInput_AreScaled(t *testing.T) {
	t.Parallel()
	f := frametest.Noise(t, 64, 64)
	m := &constant{spec: tinySpec("sightlog"), out: []detector.Tensor{
		{Name: "boxes", Shape: []int64{1, 2, 4}, F32: []float32{.25, .5, .75, 1, -.1, 0, .2, .25}},
		{Name: "scores", Shape: []int64{1, 2, 2}, F32: []float32{.9, 0, .8, 0}},
	}}
	d, err := newDetector(m, detector.Options{})
	require.NoError(t, err)
	objs, err := d.Detect(f, nil)
	require.NoError(t, err)
	require.Len(t, objs, 2)
	require.Equal(t, event.Box{16, 32, 48, 64}, objs[0].Box, "of the frame of 64x64")
	require.Equal(t, event.Box{0, 0, 12.8, 16}, objs[1].Box)
}

func TestOutputs_Logits_AreAUsageErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	f := frametest.Noise(t, 64, 64)
	for _, logit := range []float32{3.5, -2.5, float32(math.Inf(1))} {
		m := &constant{spec: tinySpec("sightlog"), out: []detector.Tensor{
			{Name: "boxes", Shape: []int64{1, 1, 4}, F32: []float32{1, 1, 9, 9}},
			{Name: "scores", Shape: []int64{1, 1, 2}, F32: []float32{logit, -9}},
		}}
		d, err := newDetector(m, detector.Options{})
		require.NoError(t, err)
		_, err = d.Detect(f, nil)
		require.ErrorContains(t, err, "not a probability")
		require.True(t, isUsage(err))
	}
	// A margin for outputs of eight bits.
	m := &constant{spec: tinySpec("sightlog"), out: []detector.Tensor{
		{Name: "boxes", Shape: []int64{1, 2, 4}, F32: []float32{1, 1, 9, 9, 11, 11, 19, 19}},
		{Name: "scores", Shape: []int64{1, 2, 2}, F32: []float32{1.01, 0, -0.01, -0.01}},
	}}
	d, err := newDetector(m, detector.Options{})
	require.NoError(t, err)
	objs, err := d.Detect(f, nil)
	require.NoError(t, err)
	require.Len(t, objs, 1)
	require.Equal(t, float32(1), objs[0].Score)
}

func TestClasses_BeyondTheNames_AreReportedByTheirNumber(t *testing.T) {
	t.Parallel()
	f := frametest.Noise(t, 64, 64)
	log, text := capture()
	m := &constant{spec: tinySpec("end2end"), out: []detector.Tensor{{Name: "o", Shape: []int64{1, 4, 6}, F32: []float32{
		1, 1, 9, 9, .9, 7, 11, 1, 19, 9, .8, 0, 1, 11, 9, 19, .7, 1e30, 11, 11, 19, 19, .6, float32(math.NaN())}}}}
	d, err := newDetector(m, detector.Options{Log: log})
	require.NoError(t, err)
	var objs []event.Object
	for range 2 {
		objs, err = d.Detect(f, objs)
		require.NoError(t, err)
	}
	require.Len(t, objs, 2)
	require.Equal(t, []string{"class 7", "person"}, []string{objs[0].Label, objs[1].Label})
	require.Equal(t, 1, text.count("a class that has no name"))

	d, err = newDetector(m, detector.Options{Classes: []string{"person"}})
	require.NoError(t, err)
	objs, err = d.Detect(f, objs)
	require.NoError(t, err)
	require.Len(t, objs, 1)
}

package detector_test

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/usage"
)

// catcher keeps the tensor it is fed.
type catcher struct {
	constant
	in detector.Tensor
}

func (c *catcher) Run(in *detector.Tensor) ([]detector.Tensor, error) {
	c.in = detector.Tensor{Shape: append([]int64(nil), in.Shape...), F32: append([]float32(nil), in.F32...)}
	return []detector.Tensor{
		{Name: "boxes", Shape: []int64{1, 1, 4}, F32: []float32{0, 0, 16, 16}},
		{Name: "scores", Shape: []int64{1, 1, 1}, F32: []float32{0.9}},
	}, nil
}

func TestLetterbox_AnySize_EqualsThePlainOne(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{768, 576}, {1, 1}, {1, 700}, {640, 2}, {3, 3}, {33, 77}, {415, 419}, {416, 320}, {1919, 1079}, {7, 1000}} {
		for _, place := range []detector.Placement{detector.TopLeft, detector.Centre, detector.Stretch} {
			for _, order := range []detector.Order{detector.BGR, detector.RGB} {
				s := tinySpec("sightlog")
				s.InputW, s.InputH, s.Letterbox, s.Order = 416, 320, place, order
				s.Mean, s.Std = [3]float32{103.53, 116.28, 123.675}, [3]float32{57.375, 57.12, 58.395}
				f := frametest.Noise(t, size.X, size.Y)
				want, _ := plainLetterbox(s, &f.Image, 416, 320)
				for _, scalar := range []bool{false, true} {
					m := &catcher{constant: constant{spec: s}}
					d, err := newDetector(m, detector.Options{})
					require.NoError(t, err)
					d.ForceScalar(scalar)
					_, err = d.Detect(f, nil)
					require.NoError(t, err)
					require.Equal(t, want.Shape, m.in.Shape)
					for i, v := range want.F32 {
						if diff := v - m.in.F32[i]; diff > 0.002 || diff < -0.002 { // an eighth of a grey level
							t.Fatalf("%v %s %s scalar=%v: value %d is %v, want %v", size, place, order, scalar, i, m.in.F32[i], v)
						}
					}
				}
			}
		}
	}
}

func TestDetect_FrameSizeChanges_BoxesFollow(t *testing.T) {
	t.Parallel()
	s := tinySpec("sightlog")
	s.InputW, s.InputH, s.Side = 0, 0, 416
	m := &catcher{constant: constant{spec: s}}
	d, err := newDetector(m, detector.Options{})
	require.NoError(t, err)
	for _, c := range []struct{ frame, input image.Point }{
		{image.Pt(768, 576), image.Pt(416, 320)}, {image.Pt(1920, 1080), image.Pt(416, 256)},
		{image.Pt(1080, 1920), image.Pt(256, 416)}, {image.Pt(1, 1), image.Pt(416, 416)}, {image.Pt(768, 576), image.Pt(416, 320)},
	} {
		f := frametest.Noise(t, c.frame.X, c.frame.Y)
		objs, err := d.Detect(f, nil)
		require.NoError(t, err)
		require.Equal(t, []int64{1, 3, int64(c.input.Y), int64(c.input.X)}, m.in.Shape)
		require.Equal(t, [2]int{c.input.X, c.input.Y}, d.Model().Input)
		want, _ := plainLetterbox(s, &f.Image, c.input.X, c.input.Y)
		require.InDeltaSlice(t, want.F32[:1000], m.in.F32[:1000], 0.2)
		for _, o := range objs {
			require.LessOrEqual(t, o.Box[2], float32(c.frame.X))
			require.LessOrEqual(t, o.Box[3], float32(c.frame.Y))
		}
	}
}

func TestDetect_Region_OnlyItProcessed(t *testing.T) {
	t.Parallel()
	s := tinySpec("sightlog")
	m := &catcher{constant: constant{spec: s}}
	d, err := newDetector(m, detector.Options{Region: image.Rect(100, 50, 164, 114)})
	require.NoError(t, err)
	f := frametest.Noise(t, 200, 150)
	objs, err := d.Detect(f, nil)
	require.NoError(t, err)
	part := f.Image.Region(image.Rect(100, 50, 164, 114))
	defer part.Close()
	alone := part.Clone()
	defer alone.Close()
	want, _ := plainLetterbox(s, &alone, 32, 32)
	require.InDeltaSlice(t, want.F32, m.in.F32, 0.2)
	require.Equal(t, [4]float32{100, 50, 132, 82}, [4]float32(objs[0].Box), "boxes are in the frame's pixels")

	d, err = newDetector(m, detector.Options{Region: image.Rect(300, 300, 400, 400)})
	require.NoError(t, err)
	_, err = d.Detect(f, nil)
	require.ErrorContains(t, err, "outside the frame")
}

func TestDetect_FrameNotBGR_Error(t *testing.T) {
	t.Parallel()
	d, err := newDetector(&catcher{constant: constant{spec: tinySpec("sightlog")}}, detector.Options{})
	require.NoError(t, err)
	for _, typ := range []gocv.MatType{gocv.MatTypeCV8UC1, gocv.MatTypeCV8UC4, gocv.MatTypeCV16UC3, gocv.MatTypeCV32FC3} {
		m := gocv.NewMatWithSize(10, 10, typ)
		_, err := d.Detect(&ingest.Frame{Image: m}, nil)
		require.ErrorContains(t, err, "not BGR")
		m.Close()
	}
	m := gocv.NewMat()
	defer m.Close()
	_, err = d.Detect(&ingest.Frame{Image: m}, nil)
	require.Error(t, err)
}

func TestNew_UnknownClass_UsageError(t *testing.T) {
	t.Parallel()
	m := &constant{spec: tinySpec("sightlog")}
	for _, c := range []struct {
		opts detector.Options
		says string
	}{
		{detector.Options{Classes: []string{"persn"}}, `no class "persn"; it knows person, cat`},
	} {
		_, err := newDetector(m, c.opts)
		require.Truef(t, usage.Is(err), "%v", err)
		require.Contains(t, err.Error(), c.says)
	}
}

func TestModelConfig_KeysGiven_OverrideTheRecognised(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	model := filepath.Join(dir, "mine.onnx")
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.yaml"), []byte(text), 0o600))
	}

	d, err := detector.ReadModelConfig(model)
	require.NoError(t, err)
	require.Nil(t, d)

	write("decoder: yolov5\norder: rgb\nmean: [1, 2, 3]\nstd: [4, 5, 6]\npad: 0\nletterbox: centre\nclasses: [cat, dog]\nscore: 0.6\n")
	d, err = detector.ReadModelConfig(model)
	require.NoError(t, err)
	s, err := detector.Recognise(
		[]detector.TensorInfo{{Name: "images", Shape: []int64{1, 3, 64, 64}, Type: detector.Float32}},
		[]detector.TensorInfo{{Name: "strange", Shape: []int64{1, 77, 7}, Type: detector.Float32}}, nil, d)
	require.NoError(t, err)
	require.Equal(t, "yolov5", s.Decoder)
	require.Equal(t, [3]float32{3, 2, 1}, s.Mean)
	require.Equal(t, [3]float32{6, 5, 4}, s.Std)
	require.Zero(t, s.Pad)
	require.Equal(t, float32(0.6), s.Score)
	require.Equal(t, float32(0.45), s.IoU)
	require.Equal(t, []string{"cat", "dog"}, s.Classes)

	for text, says := range map[string]string{
		"decodr: yolox":        "decodr",
		"decoder: yolov9":      `decoder is "yolov9"`,
		"mean: [1]":            "three",
		"std: [1, 0, 1]":       "zero",
		"letterbox: left":      "top-left",
		"score: 7":             "score is 7",
		"decoder: [1, 2":       "mine.yaml",
		"side: -5":             "side",
		"classes: {a: person}": "mine.yaml",
	} {
		write(text)
		_, err := detector.ReadModelConfig(model)
		require.Truef(t, usage.Is(err), "%s: %v", text, err)
		require.Contains(t, err.Error(), says)
		require.NotContains(t, err.Error(), "\n")
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add(int64(1), int64(84), int64(8400), int64(640), "{0: 'person'}")
	f.Add(int64(1), int64(3549), int64(85), int64(416), "")
	f.Fuzz(func(t *testing.T, a, b, c, side int64, names string) {
		s, err := detector.Recognise(
			[]detector.TensorInfo{{Name: "images", Shape: []int64{1, 3, side, side}, Type: detector.Float32}},
			[]detector.TensorInfo{{Name: "output", Shape: []int64{a, b, c}, Type: detector.Float32}},
			map[string]string{"names": names, "stride": names, "threshold": names}, nil)
		if err == nil {
			_, err = newDetector(&constant{spec: s}, detector.Options{})
			require.NoError(t, err, fmt.Sprint(s))
		}
	})
}

// counter counts the bindings a session would have to make.
type counter struct {
	catcher
	tensors map[*float32]bool
}

func (c *counter) Run(in *detector.Tensor) ([]detector.Tensor, error) {
	c.tensors[&in.F32[0]] = true
	return c.catcher.Run(in)
}

func TestDetect_SizesTakeTurns_SameObjects(t *testing.T) {
	t.Parallel()
	s := tinySpec("sightlog")
	s.InputW, s.InputH, s.Side = 0, 0, 64
	m := &counter{catcher{constant: constant{spec: s}}, map[*float32]bool{}}
	d, err := newDetector(m, detector.Options{})
	require.NoError(t, err)
	frames := []*ingest.Frame{frametest.Noise(t, 640, 480), frametest.Noise(t, 1280, 720), frametest.Noise(t, 320, 240)}
	for range 5 {
		for _, f := range frames {
			_, err := d.Detect(f, nil)
			require.NoError(t, err)
		}
	}
	require.Len(t, m.tensors, 3, "each size has its tensor and keeps it")
	for w := range 50 { // sizes without end are not kept without end
		_, err := d.Detect(frametest.Noise(t, 100+w, 100), nil)
		require.NoError(t, err)
	}
}

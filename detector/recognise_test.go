package detector_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
)

func TestDETRsAreToldApartByTheirOutputs(t *testing.T) {
	t.Parallel()
	free := []int64{-1, -1, -1, -1} // as Optimum declares pixel_values
	f32 := func(name string, shape ...int64) detector.TensorInfo {
		return detector.TensorInfo{Name: name, Shape: shape, Float32: true}
	}
	for _, c := range []struct {
		name    string
		in      detector.TensorInfo
		out     []detector.TensorInfo
		side    int // 0: not a detector
		scale   float32
		classes int
	}{
		{"D-FINE", f32("pixel_values", free...), []detector.TensorInfo{f32("logits", -1, -1, 80), f32("pred_boxes", -1, -1, 4)}, 640, 255, 80},
		{"boxes first", f32("pixel_values", free...), []detector.TensorInfo{f32("pred_boxes", -1, 300, 4), f32("pred_logits", -1, 300, 80)}, 640, 255, 80},
		{"RF-DETR by Optimum", f32("pixel_values", free...), []detector.TensorInfo{f32("logits", -1, -1, 91), f32("pred_boxes", -1, -1, 4)}, 384, 57.375, 91},
		{"RF-DETR", f32("input", 1, 3, 384, 384), []detector.TensorInfo{f32("dets", 1, 300, 4), f32("labels", 1, 300, 91)}, 384, 57.375, 91},
		{"RF-DETR of four classes", f32("input", 1, 3, 384, 384), []detector.TensorInfo{f32("dets", 1, 300, 4), f32("labels", 1, 300, 4)}, 384, 57.375, 4},
		{"DETR, softmax", f32("pixel_values", free...), []detector.TensorInfo{f32("logits", -1, -1, 92), f32("pred_boxes", -1, -1, 4)}, 0, 0, 0},
		{"classes unknown", f32("pixel_values", free...), []detector.TensorInfo{f32("logits", -1, -1, -1), f32("pred_boxes", -1, -1, 4)}, 0, 0, 0},
		{"one-coloured", f32("pixel_values", 1, 1, 64, 64), []detector.TensorInfo{f32("logits", -1, -1, 80), f32("pred_boxes", -1, -1, 4)}, 0, 0, 0},
	} {
		s, err := detector.Recognise([]detector.TensorInfo{c.in}, c.out, nil, nil)
		if c.side == 0 {
			require.ErrorContains(t, err, "no detector", c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, "detr", s.Decoder, c.name)
		require.Equal(t, detector.Stretch, s.Letterbox, c.name)
		require.Equal(t, detector.RGB, s.Order, c.name)
		require.Equal(t, c.side, s.Side, c.name)
		require.Equal(t, c.scale, s.Std[0], c.name)
		require.Len(t, s.Classes, c.classes, c.name)
		if c.classes >= 80 {
			require.Contains(t, s.Classes[:2], "person", c.name)
		}
	}

	// D-FINE's and RT-DETR's own export has a second input for the boxes' scale.
	s, err := detector.Recognise(
		[]detector.TensorInfo{f32("images", -1, 3, 640, 640), {Name: detector.SizeInput, Shape: []int64{-1, 2}, Int64: true}},
		[]detector.TensorInfo{{Name: "labels", Shape: []int64{-1, 300}, Int64: true}, f32("boxes", -1, 300, 4), f32("scores", -1, 300)}, nil, nil)
	require.NoError(t, err)
	require.Equal(t, "boxes", s.Decoder)
	require.Equal(t, detector.Stretch, s.Letterbox)
}

func TestAStretchedPictureFillsASquareOrWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := tinySpec("sightlog")
	s.InputW, s.InputH, s.Side, s.Letterbox = 0, 0, 384, detector.Stretch
	m := &catcher{constant: constant{spec: s}}
	f := noise(t, 768, 432)
	for _, c := range []struct {
		asked detector.Options
		want  []int64
	}{
		{detector.Options{}, []int64{1, 3, 384, 384}},
		{detector.Options{Input: image.Pt(500, 0)}, []int64{1, 3, 512, 512}},
		{detector.Options{Input: image.Pt(640, 352)}, []int64{1, 3, 352, 640}},
	} {
		d, err := detector.New(m, c.asked)
		require.NoError(t, err)
		objs, err := d.Detect(f, nil)
		require.NoError(t, err)
		require.Equal(t, c.want, m.in.Shape)
		// The model's box is 16x16 of its input; in the frame each side has a
		// scale of its own.
		require.Len(t, objs, 1)
		require.InDelta(t, 16*768/float64(c.want[3]), objs[0].Box[2], 0.06)
		require.InDelta(t, 16*432/float64(c.want[2]), objs[0].Box[3], 0.06)
	}
}

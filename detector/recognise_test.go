package detector_test

import (
	"image"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/internal/testenv"
)

func TestRecognise_DETRs_DistinguishedByOutputs(t *testing.T) {
	t.Parallel()
	free := []int64{-1, -1, -1, -1} // as Optimum declares pixel_values
	f32 := func(name string, shape ...int64) detector.TensorInfo {
		return detector.TensorInfo{Name: name, Shape: shape, Type: detector.Float32}
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
		[]detector.TensorInfo{f32("images", -1, 3, 640, 640), {Name: detector.SizeInput, Shape: []int64{-1, 2}, Type: detector.Int64}},
		[]detector.TensorInfo{{Name: "labels", Shape: []int64{-1, 300}, Type: detector.Int64}, f32("boxes", -1, 300, 4), f32("scores", -1, 300)}, nil, nil)
	require.NoError(t, err)
	require.Equal(t, "boxes", s.Decoder)
	require.Equal(t, detector.Stretch, s.Letterbox)
}

func TestDetect_StretchedInput_SquareUnlessAsked(t *testing.T) {
	t.Parallel()
	s := tinySpec("sightlog")
	s.InputW, s.InputH, s.Side, s.Letterbox = 0, 0, 384, detector.Stretch
	m := &catcher{constant: constant{spec: s}}
	f := frametest.Noise(t, 768, 432)
	for _, c := range []struct {
		asked detector.Options
		want  []int64
	}{
		{detector.Options{}, []int64{1, 3, 384, 384}},
		{detector.Options{Input: image.Pt(500, 0)}, []int64{1, 3, 512, 512}},
		{detector.Options{Input: image.Pt(640, 352)}, []int64{1, 3, 352, 640}},
	} {
		d, err := newDetector(m, c.asked)
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

func recognised(t *testing.T, in, out []int64, meta map[string]string, by *detector.ModelConfig) (detector.Spec, error) {
	t.Helper()
	return detector.Recognise(
		[]detector.TensorInfo{{Name: "images", Shape: in, Type: detector.Float32}},
		[]detector.TensorInfo{{Name: "output0", Shape: out, Type: detector.Float32}}, meta, by)
}

func TestNames_EveryNotation_IsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`{0: 'person', 1: "dog's", 2: 'cat'}`:         {"person", "dog's", "cat"},
		`{0: 'Person', 1: 'it\'s', 2: 'a: b, {c}'}`:   {"person", "it's", "a: b, {c}"},
		`{"0": "person", "1": "caf\u00e9", "2": "c"}`: {"person", "café", "c"},
		`{"person": 0, "dog": 2, "cat": 1}`:           {"person", "cat", "dog"},
		`{2: 'cat', 0: 'person',}`:                    {"person", "class 1", "cat"},
		`["person", "dog", "cat"]`:                    {"person", "dog", "cat"},
		`['person', 'dog', 'cat']`:                    {"person", "dog", "cat"},
		`('person', u'dog', 'cat')`:                   {"person", "dog", "cat"},
		`[person, traffic light, cat]`:                {"person", "traffic light", "cat"},
		`person,Traffic Light, cat`:                   {"person", "traffic light", "cat"},
		"person\ndog\ncat\n":                          {"person", "dog", "cat"},
	} {
		s, err := recognised(t, []int64{1, 3, 64, 64}, []int64{1, 7, 84}, map[string]string{"names": text}, nil)
		require.NoError(t, err, text)
		require.Equal(t, want, s.Classes, text)
	}
	for _, text := range []string{`['person', 'dog`, `{0: 'person', 1}`, `{0 'person'}`, `{'a': 'b'}`, `{-1: 'a'}`, `['a'] b`, `{123456789: 'a'}`, `[`, `['a' 'b']`} {
		_, err := recognised(t, []int64{1, 3, 64, 64}, []int64{1, 7, 84}, map[string]string{"names": text}, nil)
		require.ErrorContains(t, err, "names cannot be read", text)
	}
}

func TestNames_NotAsManyAsClasses_IsAnError(t *testing.T) {
	t.Parallel()
	for _, names := range []string{"['a']", "['a', 'b', 'c', 'd']"} {
		_, err := recognised(t, []int64{1, 3, 64, 64}, []int64{1, 7, 84}, map[string]string{"names": names}, nil)
		require.ErrorContains(t, err, "of 3 classes", names)
	}
	_, err := recognised(t, []int64{1, 3, 64, 64}, []int64{1, 7, 84}, nil, &detector.ModelConfig{Classes: []string{"a"}})
	require.ErrorContains(t, err, "but 1 are named")
	s, err := recognised(t, []int64{1, 3, 64, 64}, []int64{1, 7, 84}, map[string]string{"names": "['x', 'y']"}, &detector.ModelConfig{Classes: []string{"A", "b", "c"}})
	require.NoError(t, err, "the description's count")
	require.Equal(t, []string{"a", "b", "c"}, s.Classes)
}

func TestMetadata_OfUltralytics_IsRead(t *testing.T) {
	t.Parallel()
	names := "{0: 'a', 1: 'b', 2: 'c'}"
	free, head := []int64{-1, 3, -1, -1}, []int64{-1, 7, -1}
	s, err := recognised(t, free, head, map[string]string{"names": names, "task": "detect", "imgsz": "[384, 960]", "stride": "64", "iou": "0.6"}, nil)
	require.NoError(t, err)
	require.Equal(t, []int{960, 64}, []int{s.Side, s.Stride})
	require.Equal(t, float32(0.6), s.IoU)
	s, err = recognised(t, free, head, map[string]string{"names": names, "imgsz": "320", "stride": "[8, 16, 32]", "iou": "7"}, nil)
	require.NoError(t, err)
	require.Equal(t, []int{320, 32}, []int{s.Side, s.Stride})
	require.Equal(t, float32(0.45), s.IoU)

	for _, task := range []string{"obb", "segment", "classify"} {
		_, err = recognised(t, free, head, map[string]string{"names": names, "task": task}, nil)
		require.ErrorContains(t, err, `no detector: its task is "`+task)
	}
	s, err = recognised(t, []int64{1, 3, 640, 640}, []int64{1, 300, 57}, map[string]string{"names": "{0: 'person'}", "task": "pose"}, nil)
	require.NoError(t, err)
	require.Equal(t, "end2end", s.Decoder)
	_, err = recognised(t, []int64{1, 3, 640, 640}, []int64{1, 20, 8400}, map[string]string{"names": "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o']"}, nil)
	require.ErrorContains(t, err, "of 16 classes", "OBB without its task: an angle is no class")
}

// A decoder that a description names brings its models' usual input, whatever
// the outputs look like.
func TestModelConfig_Decoder_BringsItsInput(t *testing.T) {
	t.Parallel()
	type input struct {
		order detector.Order
		place detector.Placement
		std   float32
	}
	for decoder, want := range map[string]input{
		"yolox":    {detector.BGR, detector.TopLeft, 1},
		"yolov5":   {detector.RGB, detector.Centre, 255},
		"yolov8":   {detector.RGB, detector.Centre, 255},
		"end2end":  {detector.RGB, detector.Centre, 255},
		"mmdeploy": {detector.BGR, detector.TopLeft, 57.375},
		"boxes":    {detector.RGB, detector.TopLeft, 255},
		"detr":     {detector.RGB, detector.Stretch, 255},
		"nanodet":  {detector.BGR, detector.TopLeft, 57.375},
		"sightlog": {detector.BGR, detector.TopLeft, 1},
	} {
		for _, out := range [][]int64{{1, 77, 9}, {1, 84, 8400}, {1, 300, 6}, {1, 8400, 85}} {
			s, err := recognised(t, []int64{1, 3, 640, 640}, out, nil, &detector.ModelConfig{Decoder: decoder})
			require.NoError(t, err, "%s %v", decoder, out)
			require.Equal(t, decoder, s.Decoder)
			require.Equal(t, want, input{s.Order, s.Letterbox, s.Std[0]}, "%s %v", decoder, out)
			require.Equal(t, float32(114), s.Pad)
		}
	}
	s, err := recognised(t, []int64{1, 3, 640, 640}, []int64{1, 84, 8400}, nil, &detector.ModelConfig{Decoder: "yolox", Order: detector.RGB})
	require.NoError(t, err)
	require.Equal(t, detector.RGB, s.Order, "what else the description says counts more")
	require.Len(t, detector.Decoders(), 9, "each decoder is in this test")
}

func TestInputs_ThatAreNoPicture_SayWhy(t *testing.T) {
	t.Parallel()
	u8 := func(typ detector.Element, shape ...int64) detector.TensorInfo {
		return detector.TensorInfo{Name: "images", Shape: shape, Type: typ}
	}
	out := []detector.TensorInfo{{Name: "o", Shape: []int64{1, 84, 8400}, Type: detector.Float32}}
	for _, c := range []struct {
		in   []detector.TensorInfo
		says string
	}{
		{[]detector.TensorInfo{u8(detector.Float32, 4, 3, 640, 640)}, "it wants 4 pictures at a time"},
		{[]detector.TensorInfo{u8(detector.Float32, 1, 3, 0, 640)}, "is not a picture"},
		{[]detector.TensorInfo{u8(detector.Float32, 0, 3, 640, 640)}, "is not a picture"},
		{[]detector.TensorInfo{u8(detector.Float32, 1, 1, 640, 640)}, "is not a picture"},
		{[]detector.TensorInfo{u8(detector.Float32, 3, 640, 640)}, "is not a picture"},
		{[]detector.TensorInfo{u8(detector.Int64, 1, 3, 640, 640)}, "images is i64; f32, f16 and u8 are fed"},
		{[]detector.TensorInfo{u8(detector.Float32, 1, 3, 640, 640), u8(detector.Float32, 1, 2)}, "its 2 inputs"},
		{nil, "its 0 inputs"},
	} {
		_, err := detector.Recognise(c.in, out, nil, nil)
		require.ErrorContains(t, err, c.says)
	}

	s, err := recognised(t, []int64{-1, 3, 640, -1}, []int64{-1, 84, 8400}, nil, nil)
	require.NoError(t, err)
	require.Equal(t, []int{640, 640}, []int{s.InputW, s.InputH}, "a free side beside a fixed one")

	in := []detector.TensorInfo{u8(detector.Uint8, -1, -1, -1, -1)}
	s, err = detector.Recognise(in, []detector.TensorInfo{{Name: "o", Shape: []int64{1, 7, -1}, Type: detector.Float32}},
		map[string]string{"names": "['a', 'b', 'c']"}, &detector.ModelConfig{Layout: detector.NHWC})
	require.NoError(t, err)
	require.Equal(t, detector.NHWC, s.Axes, "where the shape does not show it, the description does")
	require.Equal(t, [3]float32{1, 1, 1}, s.Std, "bytes are fed as they are")
}

func TestModelConfig_DocumentedKeys_AreAccepted(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "models.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```yaml\ndecoder:")
	require.True(t, found)
	text, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "best.yaml"), []byte("decoder:"+text), 0o600))
	d, err := detector.ReadModelConfig(filepath.Join(dir, "best.onnx"))
	require.NoError(t, err)
	s, err := recognised(t, []int64{1, 3, -1, -1}, []int64{1, -1, 7}, nil, d)
	require.NoError(t, err)
	usual, err := recognised(t, []int64{1, 3, -1, -1}, []int64{1, -1, 7}, nil, &detector.ModelConfig{Decoder: "yolox", Classes: []string{"person", "car"}, Side: 640})
	require.NoError(t, err)
	require.Equal(t, usual, s, "what is written there is what the decoder brings")
}

// TestModels_DocumentedKeysAndDecoders_AreAll compares the description in docs/models.md
// with ModelConfig and Decoders, both ways; TestModelConfig_DocumentedKeys_AreAccepted
// reads it.
func TestModels_DocumentedKeysAndDecoders_AreAll(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "models.md"))
	require.NoError(t, err)
	m := regexp.MustCompile("(?s)```yaml\n(decoder: +([a-z0-9]+) +# or ([^;]+);.*?)```").FindStringSubmatch(string(page))
	require.NotNil(t, m)
	require.ElementsMatch(t, detector.Decoders(), append(strings.Split(m[3], ", "), m[2]))

	var known, documented []string
	for f := range reflect.TypeFor[detector.ModelConfig]().Fields() {
		known = append(known, f.Tag.Get("yaml"))
	}
	for _, key := range regexp.MustCompile(`(?m)^(?:# )?([a-z]+):`).FindAllStringSubmatch(m[1], -1) {
		documented = append(documented, key[1])
	}
	require.ElementsMatch(t, known, documented)
}

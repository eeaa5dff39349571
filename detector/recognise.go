package detector

import (
	"errors"
	"fmt"
	"image"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Recognise finds out from a graph's inputs, outputs and metadata how to feed
// it and which decoder reads it. A description, which may be nil, overrides
// that: where it names a decoder, the graph is fed as that decoder's models
// are. Errors are meant for the user who named the model.
func Recognise(in, out []TensorInfo, meta map[string]string, by *ModelConfig) (Spec, error) {
	if by == nil {
		by = &ModelConfig{}
	}
	s, err := recogniseInput(in, by.Layout)
	if err != nil {
		return Spec{}, err
	}
	g := graph{out: out, input: image.Pt(s.InputW, s.InputH), sized: len(in) == 2, meta: meta, names: spelled(by.Classes)}
	if len(g.names) == 0 {
		if g.names, err = namesIn(meta["names"]); err != nil {
			return Spec{}, fmt.Errorf("its metadata's names cannot be read: %w; give classes", err)
		}
	}
	if err := s.recogniseOutputs(&g, by.Decoder); err != nil {
		return Spec{}, err
	}
	s.readMetadata(meta)
	if s.Input == Uint8 { // the graph scales the pixels itself
		s.Mean, s.Std = [3]float32{}, [3]float32{1, 1, 1}
	}
	by.Apply(&s)
	return s, nil
}

// recogniseOutputs finds the format of the outputs, among those of the named
// decoder if there is one, and sets what its models have in common.
func (s *Spec) recogniseOutputs(g *graph, named string) error {
	if task := g.meta["task"]; task != "" && task != "detect" && task != taskPose {
		return fmt.Errorf("no detector: its task is %q; of %q and %q the boxes are read", task, "detect", taskPose)
	}
	var usual *format // of the named decoder
	for i := range formats {
		f := &formats[i]
		if named != "" && f.decoder != named {
			continue
		}
		if usual == nil {
			usual = f
		}
		if n := f.classes(g); n != 0 {
			return s.use(f, g, n)
		}
	}
	if named == "" {
		return fmt.Errorf("no detector: no decoder knows outputs like %s, and no description names one", shapes(g.out))
	}
	// Its outputs are not declared as usual; the decoder checks them itself.
	if err := s.use(usual, g, anyClasses); err != nil {
		return err
	}
	s.VariableOutput = true
	return nil
}

// use sets the format and the names of its classes, anyClasses of them if the
// outputs do not show how many.
func (s *Spec) use(f *format, g *graph, classes int) error {
	s.Decoder = f.decoder
	f.input(s, g, classes)
	switch names := len(g.names); {
	case classes > maxClasses:
		return fmt.Errorf("no detector: %d classes in outputs like %s", classes, shapes(g.out))
	case names > 0 && classes != anyClasses && names != classes:
		return fmt.Errorf("its outputs are of %d classes (%s, read as %s), but %d are named; name each in classes", classes, shapes(g.out), f.decoder, names)
	case names > 0:
		s.Classes = g.names
	case classes != anyClasses:
		s.Classes = classNames(classes)
	case len(s.Classes) == 0:
		s.Classes = coco
	}
	return nil
}

// readMetadata takes the metadata of our own export and of Ultralytics'.
func (s *Spec) readMetadata(meta map[string]string) {
	part := func(key string, to *float32) {
		if v, err := strconv.ParseFloat(meta[key], 32); err == nil && v > 0 && v < 1 {
			*to = float32(v)
		}
	}
	part("threshold", &s.Score)
	part("iou", &s.IoU)
	if v := largest(meta["stride"]); v > 0 && v <= 128 {
		s.Stride = v
	}
	for _, key := range []string{"imgsz", "side"} {
		if v := largest(meta[key]); v >= 32 && v <= maxSide {
			s.Side = v
		}
	}
}

var digits = regexp.MustCompile(`\d+`)

// largest returns the largest whole number in "640", "[384, 640]" or the like.
func largest(s string) (top int) {
	if len(s) > 100 || strings.ContainsAny(s, "-.") {
		return 0
	}
	for _, d := range digits.FindAllString(s, -1) {
		if v, err := strconv.Atoi(d); err == nil {
			top = max(top, v)
		}
	}
	return top
}

// SizeInput is the name of a second input that some graphs have: the size that
// boxes are to be scaled to. It is fed the input's own.
const SizeInput = "orig_target_sizes"

// recogniseInput wants one picture, [1,3,h,w] or [1,h,w,3], and sets what most
// models have in common. An axis order given counts more than the shape.
func recogniseInput(in []TensorInfo, axes Axes) (Spec, error) {
	if len(in) != 1 && !(len(in) == 2 && in[1].Name == SizeInput && in[1].Type == Int64) {
		return Spec{}, fmt.Errorf("no detector: its %d inputs (%s) are not one picture", len(in), shapes(in))
	}
	t, d := in[0], in[0].Shape
	if len(d) == 4 && axes == "" {
		axes = NCHW
		if d[1] > 0 && d[1] != 3 && d[3] == 3 {
			axes = NHWC
		}
	}
	colours, h, w := 1, 2, 3
	if axes == NHWC {
		h, w, colours = 1, 2, 3
	}
	switch {
	case len(d) != 4 || d[colours] >= 0 && d[colours] != 3 || slices.Contains(d, 0):
		return Spec{}, fmt.Errorf("no detector: its input %s is not a picture, [1,3,h,w] or [1,h,w,3]", shapes(in))
	case t.Type != Float32 && t.Type != Float16 && t.Type != Uint8:
		return Spec{}, fmt.Errorf("no detector: its input %s is %s; %s, %s and %s are fed", t.Name, t.Type, Float32, Float16, Uint8)
	case d[0] > 1:
		return Spec{}, fmt.Errorf("it wants %d pictures at a time (input %s); export it with a batch of 1, or a free one", d[0], shapes(in))
	case d[h] > maxSide || d[w] > maxSide:
		return Spec{}, errors.New("no detector: its input is larger than any picture")
	}
	s := Spec{Stride: 32, Side: 416, Pad: 114, Score: 0.3, IoU: 0.45, Letterbox: TopLeft, Input: t.Type, Axes: axes}
	if len(in) == 2 { // a DETR that scales its boxes itself
		s.Letterbox = Stretch
	}
	if d[h] > 0 || d[w] > 0 { // a side that is free beside a fixed one takes its length
		s.InputH, s.InputW = int(d[h]), int(d[w])
		if d[h] < 0 {
			s.InputH = s.InputW
		} else if d[w] < 0 {
			s.InputW = s.InputH
		}
	}
	return s, nil
}

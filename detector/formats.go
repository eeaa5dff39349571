package detector

import (
	"fmt"
	"image"
)

// format is one arrangement of outputs: the name of its decoder, how a graph is
// recognised that has it, what input such models want, and how it is read.
type format struct {
	decoder string
	// classes returns their number, or anyClasses; 0: the graph has another format.
	classes func(g *graph) int
	// input sets the normalisation and what else models of this format share.
	input func(s *Spec, g *graph, classes int)
	read  func(s Spec) decoder
}

// formats are all that are known, in the order in which they are tried. Those
// known by the names of their outputs come first. Those of one output differ
// in its shape: YOLOX has a row for each cell of its grids, YOLOv5 three of
// them, whatever the columns; another number of rows of six columns can be boxes
// after suppression (end2end, which is tried before the grids because free sizes
// fit both); YOLOv8 has more columns than rows.
var formats = []format{
	{"sightlog", sightlogClasses, sightlogInput, func(Spec) decoder { return sightlog{} }},
	{"boxes", boxesClasses, boxesInput, func(Spec) decoder { return boxes{} }},
	{"mmdeploy", mmdeployClasses, mmdeployInput, func(Spec) decoder { return mmdeploy{} }},
	{"detr", detrClasses, detrInput, func(Spec) decoder { return detr{} }},
	{"end2end", end2endClasses, end2endInput, func(Spec) decoder { return end2end{} }},
	{"yolox", yoloxClasses, yoloxInput, func(s Spec) decoder { return yolox{decoded: s.Decoded} }},
	{"yolov5", yolov5Classes, yolov5Input, func(Spec) decoder { return yolov5{} }},
	{"yolov8", yolov8Classes, yolov8Input, func(s Spec) decoder { return yolov8{classes: len(s.Classes)} }},
	{"nanodet", nanodetClasses, nanodetInput, func(Spec) decoder { return nanodet{} }},
}

// Decoders returns the names that Spec.Decoder can have.
func Decoders() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.decoder
	}
	return names
}

func newDecoder(s Spec) (decoder, error) {
	for _, f := range formats {
		if f.decoder == s.Decoder {
			return f.read(s), nil
		}
	}
	return nil, fmt.Errorf("unknown decoder %q", s.Decoder)
}

// graph holds the properties by which a format is recognised.
type graph struct {
	out   []TensorInfo
	input image.Point // 0 where it is free
	sized bool        // it has a SizeInput
	meta  map[string]string
	names []string // of classes; none: unknown
}

// Tasks in the metadata of Ultralytics' exports.
const taskPose = "pose"

// anyClasses means that the outputs do not show how many classes the model has.
const anyClasses = -1

// only returns rows and columns of the first output, one f32 [1,rows,columns].
func (g *graph) only() (rows, columns int64, ok bool) {
	if len(g.out) < 1 || len(g.out[0].Shape) != 3 || !g.out[0].real() {
		return 0, 0, false
	}
	return g.out[0].Shape[1], g.out[0].Shape[2], true
}

// setNormalisation sets the normalisation: pixels as they are, 0..1, or by the mean and
// deviation of ImageNet.
func (s *Spec) setNormalisation(o Order, p Placement, std float32) {
	s.Order, s.Letterbox = o, p
	s.Mean, s.Std = [3]float32{}, [3]float32{std, std, std}
}

func (s *Spec) setImageNet(o Order, p Placement) {
	s.Order, s.Letterbox = o, p
	s.Mean, s.Std = [3]float32{103.53, 116.28, 123.675}, [3]float32{57.375, 57.12, 58.395}
}

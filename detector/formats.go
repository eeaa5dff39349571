package detector

import (
	"fmt"
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

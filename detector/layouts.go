package detector

import (
	"image"
	"slices"
)

// graph is what a layout is recognised by.
type graph struct {
	out   []TensorInfo
	input image.Point // 0 where it is free
	sized bool        // it has a SizeInput
	meta  map[string]string
	names []string // of classes; none: unknown
}

// Tasks in the metadata of Ultralytics' exports.
const taskPose = "pose"

// anyClasses: the outputs do not tell how many classes there are.
const anyClasses = -1

// layout is an arrangement of outputs, and the input that models with it want.
type layout struct {
	decoder string
	// classes returns their number, or anyClasses; 0: the graph is another's.
	classes func(g *graph) int
	feed    func(s *Spec, g *graph, classes int)
}

// layouts in the order in which they are tried. Those of one output are told
// apart by its shape: YOLOX has a row for each cell of its grids, YOLOv5 three
// of them, whatever the columns; what has another number of rows can be boxes
// after suppression; YOLOv8 has more columns than rows. Where the sizes are
// free the grids come last.
var layouts = []layout{
	{"sightlog", sightlogClasses, feedSightlog},
	{"boxes", boxesClasses, feedBoxes},
	{"mmdeploy", mmdeployClasses, feedMMDeploy},
	{"detr", detrClasses, feedDETR},
	{"yolox", grid(1, true), feedYOLOX},
	{"yolov5", grid(3, true), feedYOLOv5},
	{"end2end", end2endClasses, feedEnd2End},
	{"yolox", grid(1, false), feedYOLOX},
	{"yolov5", grid(3, false), feedYOLOv5},
	{"yolov8", yolov8Classes, feedYOLOv8},
	{"nanodet", nanodetClasses, feedNanoDet},
}

// feed sets the normalisation: pixels as they are, 0..1, or by the mean and
// deviation of ImageNet.
func (s *Spec) feed(o Order, p Placement, std float32) {
	s.Order, s.Letterbox = o, p
	s.Mean, s.Std = [3]float32{}, [3]float32{std, std, std}
}

func (s *Spec) feedImageNet(o Order, p Placement) {
	s.Order, s.Letterbox = o, p
	s.Mean, s.Std = [3]float32{103.53, 116.28, 123.675}, [3]float32{57.375, 57.12, 58.395}
}

func sightlogClasses(g *graph) int {
	if g.meta["decoder"] != "sightlog" || len(g.out) != 2 || g.out[0].Name != "boxes" || g.out[1].Name != "scores" {
		return 0
	}
	if n := int(g.out[1].last()); n > 0 {
		return n
	}
	return max(1, len(g.names))
}

func feedSightlog(s *Spec, _ *graph, _ int) { s.feed(BGR, TopLeft, 1) }

func boxesClasses(g *graph) int {
	named := func(name string) bool {
		return slices.ContainsFunc(g.out, func(t TensorInfo) bool { return t.Name == name })
	}
	if len(g.out) != 3 || !named("boxes") || !named("labels") || !named("scores") {
		return 0
	}
	return anyClasses
}

// Without a SizeInput it is torchvision's, whose labels are those of COCO's own
// files.
func feedBoxes(s *Spec, g *graph, _ int) {
	s.feed(RGB, s.Letterbox, 255)
	s.VariableOutput, s.Side = true, 640
	if !g.sized {
		s.Classes = coco91()
	}
}

func mmdeployClasses(g *graph) int {
	if len(g.out) != 2 || g.out[0].Name != "dets" || g.out[1].Name != "labels" || !g.out[1].whole() ||
		g.out[0].last() != 5 && g.out[0].last() > 0 {
		return 0
	}
	return anyClasses
}

func feedMMDeploy(s *Spec, _ *graph, _ int) {
	s.feedImageNet(BGR, TopLeft)
	s.VariableOutput, s.Side, s.Score = true, 320, 0.4
}

// DETRs are trained on squares, whatever the picture's aspect. The first DETR
// and YOLOS have 92 logits, the last for "nothing", that want a softmax: they
// are not read.
func detrClasses(g *graph) int {
	if len(g.out) != 2 {
		return 0
	}
	boxes, logits := g.out[0], g.out[1]
	if detrLogitsFirst(boxes.Name) {
		boxes, logits = logits, boxes
	}
	exported := boxes.Name == "pred_boxes" && detrLogitsFirst(logits.Name)
	classes := int(logits.last())
	if !roboflow(g) && !exported || !boxes.real() || !logits.real() || boxes.last() != 4 && boxes.last() > 0 ||
		len(logits.Shape) != 3 || classes < 1 || classes == 92 {
		return 0
	}
	return classes
}

func roboflow(g *graph) bool {
	return len(g.out) == 2 && g.out[0].Name == "dets" && g.out[1].Name == "labels"
}

// RF-DETR, known by its names or its 91 classes, wants ImageNet's normalisation
// and loses most of its precision at another size than its own (384 for nano);
// D-FINE and RT-DETR want parts of 1.
func feedDETR(s *Spec, g *graph, classes int) {
	if roboflow(g) || classes == 91 {
		s.feedImageNet(RGB, Stretch)
		s.Side = 384
		return
	}
	s.feed(RGB, Stretch, 255)
	s.Side = 640
}

// only returns rows and columns of the first output, one f32 [1,rows,columns].
func (g *graph) only() (rows, columns int64, ok bool) {
	if len(g.out) < 1 || len(g.out[0].Shape) != 3 || !g.out[0].real() {
		return 0, 0, false
	}
	return g.out[0].Shape[1], g.out[0].Shape[2], true
}

// grid recognises YOLOX and YOLOv5, with a number of rows for each cell. Their
// sizes are fixed by the graph, or free.
func grid(each int64, fixed bool) func(*graph) int {
	return func(g *graph) int {
		n, row, ok := g.only()
		if !ok || row < 6 || fixed != (n > 0) {
			return 0
		}
		for _, t := range g.out[1:] { // older exports of YOLOv5 add the three grids themselves
			if each == 1 || len(t.Shape) != 5 {
				return 0
			}
		}
		if fixed && (g.input.X == 0 || n != each*cells(g.input.X, g.input.Y)) ||
			!fixed && each == 1 && len(g.names) > 0 { // YOLOX's exporter writes no names
			return 0
		}
		return int(row) - 5
	}
}

func feedYOLOX(s *Spec, _ *graph, _ int) { s.feed(BGR, TopLeft, 1) }

func feedYOLOv5(s *Spec, _ *graph, _ int) {
	s.feed(RGB, Centre, 255)
	s.Side = 640
}

// Whether free rows of six columns are boxes or a grid of one class is known
// by the names alone, which YOLOX's exporter does not write; YOLOv5's writes no
// task. The decoder counts the rows once they are there.
func end2endClasses(g *graph) int {
	n, row, ok := g.only()
	pose := g.meta["task"] == taskPose && 6 < row && row < n // YOLOv8's have more columns than rows
	if !ok || len(g.out) != 1 || row != 6 && !pose {
		return 0
	}
	if len(g.names) == 0 && (n > 1000 || n < 1) || len(g.names) == 1 && n < 1 && g.meta["task"] == "" {
		return 0
	}
	return anyClasses
}

func feedEnd2End(s *Spec, _ *graph, _ int) {
	s.feed(RGB, Centre, 255)
	s.VariableOutput, s.Side = true, 640
}

// cocoPose is what a pose model trained on COCO has for each box: four numbers,
// one score, and 17 joints of three numbers.
const cocoPose = 4 + 1 + 17*3

func yolov8Classes(g *graph) int {
	rows, n, ok := g.only()
	if !ok || len(g.out) != 1 || rows < 5 || n > 0 && rows >= n {
		return 0
	}
	names := int64(len(g.names))
	switch {
	case g.meta["task"] == taskPose, names <= 1 && rows == cocoPose: // joints come after the scores
		if names = max(names, 1); rows > 4+names {
			return int(names)
		}
		return 0
	case n <= 0 && rows != 4+names:
		return 0
	}
	return int(rows) - 4
}

func feedYOLOv8(s *Spec, _ *graph, _ int) {
	s.feed(RGB, Centre, 255)
	s.Side = 640
}

func nanodetClasses(g *graph) int {
	if len(g.out) != 6 && len(g.out) != 8 {
		return 0
	}
	classes, distances := 0, 0
	for _, t := range g.out {
		switch k := t.last(); {
		case len(t.Shape) != 3 || !t.real() || k < 1:
			return 0
		case k == 4*nanodetBins:
			distances++
		default:
			classes = int(k)
		}
	}
	if distances == len(g.out) {
		return 4 * nanodetBins
	}
	if 2*distances != len(g.out) {
		return 0
	}
	return classes
}

func feedNanoDet(s *Spec, _ *graph, _ int) {
	s.feedImageNet(BGR, TopLeft)
	s.Score = 0.45
}

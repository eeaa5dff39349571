package detector

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxClasses bounds what a graph can make us believe it knows.
const maxClasses = 10_000

// Recognise finds out from a graph's inputs, outputs and metadata how to feed
// it and which decoder reads it; a description, which may be nil, overrides
// that. Its errors are meant for the person who named the model.
func Recognise(in, out []TensorInfo, meta map[string]string, by *Description) (Spec, error) {
	s, err := recogniseInput(in)
	if err != nil {
		return Spec{}, err
	}
	err = s.recogniseOutputs(out, meta)
	if by != nil {
		if err != nil && by.Decoder == "" {
			return Spec{}, fmt.Errorf("%w, and its description names none", err)
		}
		if err != nil { // unknown: what it does not say is as plain as can be
			s.feed(RGB, TopLeft, 255)
			s.Classes, s.VariableOutput = coco, true
		}
		by.Apply(&s)
		return s, nil
	}
	return s, err
}

func (s *Spec) recogniseOutputs(out []TensorInfo, meta map[string]string) error {
	for _, by := range []func(*Spec, []TensorInfo, map[string]string) int{
		recogniseSightlog, recogniseBoxes, recogniseMMDeploy, recogniseDETR,
		recogniseEnd2End, recogniseYOLOX, recogniseYOLOv5, recogniseYOLOv8, recogniseNanoDet,
	} {
		classes := by(s, out, meta)
		if classes == 0 {
			continue
		}
		if classes > maxClasses {
			return fmt.Errorf("no detector: %d classes in outputs like %s", classes, shapes(out))
		}
		if s.Classes = namesIn(meta["names"]); len(s.Classes) == 0 {
			s.Classes = classNames(classes)
		}
		if v, err := strconv.ParseFloat(meta["threshold"], 32); err == nil && v > 0 && v < 1 {
			s.Score = float32(v)
		}
		if v, err := strconv.Atoi(meta["stride"]); err == nil && v > 0 && v <= 128 {
			s.Stride = v
		}
		if v, err := strconv.Atoi(meta["side"]); err == nil && v >= 32 && v <= maxSide {
			s.Side = v
		}
		return nil
	}
	return fmt.Errorf("no detector: no decoder knows outputs like %s", shapes(out))
}

// SizeInput is the name of a second input that some graphs have: the size that
// boxes are to be scaled to. It is fed the input's own.
const SizeInput = "orig_target_sizes"

// recogniseInput wants one picture as f32 [1,3,h,w] and sets what most
// models have in common.
func recogniseInput(in []TensorInfo) (Spec, error) {
	if len(in) != 1 && !(len(in) == 2 && in[1].Name == SizeInput && in[1].Int64) {
		return Spec{}, fmt.Errorf("no detector: its %d inputs (%s) are not one picture", len(in), shapes(in))
	}
	d := in[0].Shape
	if len(d) != 4 || !in[0].Float32 || d[1] > 0 && d[1] != 3 || d[0] > 1 {
		return Spec{}, fmt.Errorf("no detector: its input %s is not a picture, f32 [1,3,h,w]", shapes(in))
	}
	s := Spec{Stride: 32, Side: 416, Pad: 114, Score: 0.3, IoU: 0.45, Letterbox: TopLeft}
	if len(in) == 2 { // a DETR that scales its boxes itself
		s.Letterbox = Stretch
	}
	if d[2] > maxSide || d[3] > maxSide {
		return Spec{}, errors.New("no detector: its input is larger than any picture")
	}
	if d[2] > 0 && d[3] > 0 {
		s.InputH, s.InputW = int(d[2]), int(d[3])
	}
	return s, nil
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

// Each recogniser returns the number of classes, 0 if the graph is another's.

func recogniseSightlog(s *Spec, out []TensorInfo, meta map[string]string) int {
	if meta["decoder"] != "sightlog" || len(out) != 2 || out[0].Name != "boxes" || out[1].Name != "scores" {
		return 0
	}
	s.feed(BGR, TopLeft, 1)
	s.Decoder = "sightlog"
	return max(1, int(last(out[1])))
}

func recogniseBoxes(s *Spec, out []TensorInfo, _ map[string]string) int {
	if len(out) != 3 || !has(out, "boxes") || !has(out, "labels") || !has(out, "scores") {
		return 0
	}
	s.feed(RGB, s.Letterbox, 255)
	s.Decoder, s.VariableOutput, s.Side = "boxes", true, 640
	return len(coco)
}

func recogniseMMDeploy(s *Spec, out []TensorInfo, _ map[string]string) int {
	if len(out) != 2 || out[0].Name != "dets" || out[1].Name != "labels" || !out[1].Int64 || last(out[0]) != 5 && last(out[0]) > 0 {
		return 0
	}
	s.feedImageNet(BGR, TopLeft)
	s.Decoder, s.VariableOutput, s.Side, s.Score = "mmdeploy", true, 320, 0.4
	return len(coco)
}

// DETRs are trained on squares, whatever the picture's aspect. RF-DETR, known
// by its 91 classes, wants ImageNet's normalisation and loses most of its
// precision at another size than its own (384 for nano); D-FINE and RT-DETR
// want parts of 1. The first DETR and YOLOS have 92 logits, the last for
// "nothing", that want a softmax: they are not read.
func recogniseDETR(s *Spec, out []TensorInfo, _ map[string]string) int {
	if len(out) != 2 {
		return 0
	}
	boxes, logits := out[0], out[1]
	if detrLogitsFirst(boxes.Name) {
		boxes, logits = logits, boxes
	}
	roboflow := boxes.Name == "dets" && logits.Name == "labels"
	exported := boxes.Name == "pred_boxes" && detrLogitsFirst(logits.Name)
	classes := int(last(logits))
	if !roboflow && !exported || !boxes.Float32 || !logits.Float32 || last(boxes) != 4 && last(boxes) > 0 ||
		len(logits.Shape) != 3 || classes < 1 || classes == 92 {
		return 0
	}
	if roboflow || classes == 91 {
		s.feedImageNet(RGB, Stretch)
		s.Side = 384
	} else {
		s.feed(RGB, Stretch, 255)
		s.Side = 640
	}
	s.Decoder = "detr"
	return classes
}

// The layouts of one output are told apart by its shape: YOLOX has a row for
// each cell of its grids, YOLOv5 three of them, YOLOv8 more columns than rows.

func recogniseEnd2End(s *Spec, out []TensorInfo, meta map[string]string) int {
	if len(out) != 1 || len(out[0].Shape) != 3 || !out[0].Float32 || last(out[0]) != 6 {
		return 0
	}
	n := out[0].Shape[1]
	if meta["names"] == "" && (n > 1000 || n < 1) { // YOLOX of a single class has six columns too
		return 0
	}
	s.feed(RGB, Centre, 255)
	s.Decoder, s.VariableOutput, s.Side = "end2end", true, 640
	return max(len(namesIn(meta["names"])), len(coco))
}

func recogniseYOLOv8(s *Spec, out []TensorInfo, meta map[string]string) int {
	if len(out) != 1 || len(out[0].Shape) != 3 || !out[0].Float32 {
		return 0
	}
	rows, n := out[0].Shape[1], out[0].Shape[2]
	names := int64(len(namesIn(meta["names"])))
	if rows < 5 || n > 0 && rows >= n || n <= 0 && rows != 4+names {
		return 0
	}
	s.feed(RGB, Centre, 255)
	s.Decoder, s.Side = "yolov8", 640
	return int(rows) - 4
}

func recogniseYOLOX(s *Spec, out []TensorInfo, meta map[string]string) int {
	if len(out) != 1 || len(out[0].Shape) != 3 || !out[0].Float32 {
		return 0
	}
	n, row := out[0].Shape[1], out[0].Shape[2]
	if row < 6 || n <= 0 && meta["names"] != "" || n > 0 && (s.InputW == 0 || n != cells(s.InputW, s.InputH)) {
		return 0
	}
	s.feed(BGR, TopLeft, 1)
	s.Decoder = "yolox"
	return int(row) - 5
}

func recogniseYOLOv5(s *Spec, out []TensorInfo, _ map[string]string) int {
	if len(out) < 1 || len(out[0].Shape) != 3 || !out[0].Float32 {
		return 0
	}
	for _, head := range out[1:] { // older exports add the three grids themselves
		if len(head.Shape) != 5 {
			return 0
		}
	}
	n, row := out[0].Shape[1], out[0].Shape[2]
	if row < 6 || n > 0 && (s.InputW == 0 || n != 3*cells(s.InputW, s.InputH)) {
		return 0
	}
	s.feed(RGB, Centre, 255)
	s.Decoder, s.Side = "yolov5", 640
	return int(row) - 5
}

func recogniseNanoDet(s *Spec, out []TensorInfo, _ map[string]string) int {
	if len(out) != 6 && len(out) != 8 {
		return 0
	}
	classes, distances := 0, 0
	for _, t := range out {
		switch k := last(t); {
		case len(t.Shape) != 3 || !t.Float32 || k < 1:
			return 0
		case k == 4*nanodetBins:
			distances++
		default:
			classes = int(k)
		}
	}
	if distances == len(out) {
		classes = 4 * nanodetBins
	} else if 2*distances != len(out) {
		return 0
	}
	s.feedImageNet(BGR, TopLeft)
	s.Decoder, s.Score = "nanodet", 0.45
	return classes
}

func last(t TensorInfo) int64 {
	if len(t.Shape) == 0 {
		return 0
	}
	return t.Shape[len(t.Shape)-1]
}

func has(out []TensorInfo, name string) bool {
	return slices.ContainsFunc(out, func(t TensorInfo) bool { return t.Name == name })
}

var pythonDict = regexp.MustCompile(`(\d+)\s*:\s*(?:'([^']*)'|"([^"]*)")`)

// namesIn reads class names as exporters write them: a JSON list, a Python
// dictionary by class id, or words between commas.
func namesIn(s string) []string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 1<<20 {
		return nil
	}
	var list []string
	if json.Unmarshal([]byte(s), &list) == nil && len(list) <= maxClasses {
		return list
	}
	if strings.HasPrefix(s, "{") {
		for _, m := range pythonDict.FindAllStringSubmatch(s, maxClasses) {
			id, err := strconv.Atoi(m[1])
			if err != nil || id >= maxClasses {
				return nil
			}
			for len(list) <= id {
				list = append(list, label(nil, len(list)))
			}
			list[id] = m[2] + m[3]
		}
		return list
	}
	for _, w := range strings.SplitN(s, ",", maxClasses) {
		list = append(list, strings.TrimSpace(w))
	}
	return list
}

// classNames guesses the names where the graph has none: COCO's for 80
// classes, or for 91 by the numbers of its own files; person for a single one.
func classNames(n int) []string {
	switch n {
	case len(coco):
		return coco
	case 91:
		return coco91()
	case 1:
		return []string{"person"}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = label(nil, i)
	}
	return names
}

func shapes(ts []TensorInfo) string {
	s := ""
	for i, t := range ts {
		if i > 0 {
			s += ", "
		}
		if i == 6 {
			return s + "…"
		}
		s += fmt.Sprintf("%s %v", t.Name, t.Shape)
	}
	return s
}

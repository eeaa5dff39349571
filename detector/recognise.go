package detector

import (
	"errors"
	"fmt"
)

// Recognise finds out from a graph's inputs, outputs and metadata how to feed
// it and which decoder reads it. Its errors are meant for the person who named
// the model.
func Recognise(in, out []TensorInfo, meta map[string]string) (Spec, error) {
	s, err := recogniseInput(in)
	if err != nil {
		return Spec{}, err
	}
	for _, by := range []func(*Spec, []TensorInfo, map[string]string) bool{
		recogniseYOLOX,
	} {
		if by(&s, out, meta) {
			return s, nil
		}
	}
	return Spec{}, fmt.Errorf("no detector: no decoder knows outputs like %s", shapes(out))
}

// recogniseInput wants one picture as f32 [1,3,h,w] and sets what most
// models have in common.
func recogniseInput(in []TensorInfo) (Spec, error) {
	if len(in) != 1 {
		return Spec{}, fmt.Errorf("no detector: it has %d inputs (%s), not one picture", len(in), shapes(in))
	}
	d := in[0].Shape
	if len(d) != 4 || !in[0].Float32 || d[1] != 3 || d[0] > 1 {
		return Spec{}, fmt.Errorf("no detector: its input %s is not a picture, f32 [1,3,h,w]", shapes(in))
	}
	s := Spec{Stride: 32, Side: 416, Pad: 114, Score: 0.3, IoU: 0.45}
	if d[2] > maxSide || d[3] > maxSide {
		return Spec{}, errors.New("its input is larger than any picture")
	}
	if d[2] > 0 && d[3] > 0 {
		s.InputH, s.InputW = int(d[2]), int(d[3])
	}
	return s, nil
}

// plain feeds pixels as they are.
func (s *Spec) plain(o Order) { s.Order, s.Std = o, [3]float32{1, 1, 1} }

// recogniseYOLOX knows [1,N,5+C] with a row for each cell of the grids of
// stride 8, 16 and 32.
func recogniseYOLOX(s *Spec, out []TensorInfo, _ map[string]string) bool {
	if len(out) != 1 || len(out[0].Shape) != 3 || !out[0].Float32 {
		return false
	}
	n, row := out[0].Shape[1], out[0].Shape[2]
	if row < 6 || n > 0 && s.InputW > 0 && n != cells(s.InputW, s.InputH) {
		return false
	}
	s.plain(BGR)
	s.Letterbox, s.Decoder = TopLeft, "yolox"
	s.Classes = classNames(int(row) - 5)
	return true
}

// cells counts the cells of YOLOX's three grids.
func cells(w, h int) int64 {
	n := 0
	for _, s := range yoloxStrides {
		n += (w / s) * (h / s)
	}
	return int64(n)
}

// classNames guesses the names where the graph has none: COCO's for 80
// classes, person for a single one.
func classNames(n int) []string {
	switch n {
	case len(coco):
		return coco
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

package detector

import (
	"fmt"
)

// yolov5 reads the same row as yolox, with the grid already added, for three
// anchors a cell: [1,N,5+C], in input pixels.
type yolov5 struct{}

func yolov5Classes(g *graph) int { return gridClasses(g, 3) }

func yolov5Input(s *Spec, _ *graph, _ int) {
	s.setNormalisation(RGB, Centre, 255)
	s.Side = 640
}

func (yolov5) hasNMS() bool { return false }

func (yolov5) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	t, row, err := first("yolov5", out, 6)
	if err != nil {
		return dst, err
	}
	if n := int64(len(t.F32) / row); n < 3*cells(q.in.X, q.in.Y) { // more have a fourth stride
		return dst, fmt.Errorf("decode yolov5: output %s has fewer rows than an input of %dx%d has anchors; it may be end2end", t, q.in.X, q.in.Y)
	}
	for at := 0; at < len(t.F32); at += row {
		r := t.F32[at : at+row : at+row]
		if q.passes(r[4]) {
			class, p := best(r[5:])
			dst = q.add(dst, centred(r[0], r[1], r[2], r[3]), r[4]*p, class)
		}
	}
	return dst, nil
}

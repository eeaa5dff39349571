package detector

import (
	"fmt"
)

// end2end reads [1,N,6], suppression inside: x1, y1, x2, y2 in input pixels,
// score, class (YOLOv10, YOLO26 and exports with suppression). Further columns,
// such as a pose's joints, are not read.
type end2end struct{}

// Whether free rows of six columns are boxes or a grid of one class is known
// by the names alone, which YOLOX's exporter does not write; YOLOv5's writes no
// task. The decoder counts the rows once they are there.
func end2endClasses(g *graph) int {
	n, row, ok := g.only()
	pose := g.meta["task"] == taskPose && 6 < row && row < n // YOLOv8's have more columns than rows
	if !ok || len(g.out) != 1 || row != 6 && !pose ||
		n > 0 && (gridClasses(g, 1) != 0 || gridClasses(g, 3) != 0) {
		return 0
	}
	if len(g.names) == 0 && (n > 1000 || n < 1) || len(g.names) == 1 && n < 1 && g.meta["task"] == "" {
		return 0
	}
	return anyClasses
}

func end2endInput(s *Spec, _ *graph, _ int) {
	s.setNormalisation(RGB, Centre, 255)
	s.VariableOutput, s.Side = true, 640
}

func (end2end) hasNMS() bool { return true }

func (end2end) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	t, row, err := first("end2end", out, 6)
	if err != nil {
		return dst, err
	}
	switch n, grid := int64(len(t.F32)/row), cells(q.in.X, q.in.Y); n {
	case 0:
	case grid:
		return dst, fmt.Errorf("decode end2end: output %s has a row for each cell of a grid; it may be yolox", t)
	case 3 * grid:
		return dst, fmt.Errorf("decode end2end: output %s has three rows for each cell of a grid; it may be yolov5", t)
	}
	for at := 0; at < len(t.F32); at += row {
		r := t.F32[at : at+6]
		dst = q.add(dst, [4]float32(r), r[4], q.classID(r[5]))
	}
	return dst, nil
}

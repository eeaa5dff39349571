package detector

import (
	"fmt"
)

// end2end reads [1,N,>=6], with NMS done in the graph: x1, y1, x2, y2 in input pixels,
// score, class (YOLOv10, YOLO26 and exports with NMS). Further columns, such as a pose's
// joints, are not read.
type end2end struct{}

// end2endClasses returns anyClasses for one output of six columns, or more of a pose,
// unless it may be a grid of one class. The number of rows decides where it is fixed:
//   - that of a grid, as YOLOX or YOLOv5 have it, is one;
//   - without names, more than 1000 are one.
//
// Where it is dynamic, only the metadata can decide: YOLOX exports no names, and YOLOv5,
// where it names its one class, no task. decode counts the rows once they are there.
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

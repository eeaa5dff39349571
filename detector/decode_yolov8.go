package detector

import (
	"fmt"
)

// yolov8 reads [1,4+C,N], the layout of YOLOv8, 11 and 26 without suppression
// inside: a row each of centre x, centre y, width and height in input pixels,
// then one of scores for each class. Rows after those, such as a pose's
// joints, are not read.
type yolov8 struct {
	classes int
}

// cocoPose is the number of rows of a pose model trained on COCO: four numbers,
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

func yolov8Input(s *Spec, _ *graph, _ int) {
	s.setNormalisation(RGB, Centre, 255)
	s.Side = 640
}

func (yolov8) hasNMS() bool { return false }

func (y yolov8) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	t, d, err := output("yolov8", out, 0, -1, -1)
	if err != nil {
		return dst, err
	}
	classes, n := y.classes, int(d[1])
	if classes < 1 || int(d[0]) < 4+classes || t.F32 == nil {
		return dst, fmt.Errorf("decode yolov8: output %s is not f32 [1,4+C,N] of %d classes", t, classes)
	}
	scores := t.F32[4*n:]
	for class := range classes {
		if !q.wants(class) {
			continue
		}
		for i, s := range scores[class*n : (class+1)*n] {
			// A box belongs to its best class alone.
			if q.passes(s) && isBest(scores, n, classes, i, class) {
				dst = q.add(dst, centred(t.F32[i], t.F32[n+i], t.F32[2*n+i], t.F32[3*n+i]), s, class)
			}
		}
	}
	return dst, nil
}

// isBest reports whether class is the first of the best for box i.
func isBest(scores []float32, n, classes, i, class int) bool {
	s := scores[class*n+i]
	for c := range classes {
		if o := scores[c*n+i]; o > s || o == s && c < class {
			return false
		}
	}
	return true
}

package detector

import "fmt"

// yolov8 reads [1,4+C,N], the layout of YOLOv8, 11 and 26 without suppression
// inside: a row each of centre x, centre y, width and height in input pixels,
// then one of scores for each class. What comes after those, such as a pose's
// joints, is not read.
type yolov8 struct {
	classes int
}

func (yolov8) suppressed() bool { return false }

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
				dst = q.keep(dst, centred(t.F32[i], t.F32[n+i], t.F32[2*n+i], t.F32[3*n+i]), s, class)
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

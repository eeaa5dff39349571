package detector

import (
	"fmt"
	"math"
)

// sightlog reads our own export: boxes [b,N,4] as x1, y1, x2, y2 in input
// pixels and scores [b,N,C], without suppression.
type sightlog struct{}

func (sightlog) suppressed() bool { return false }

func (sightlog) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	b, d, err := output("sightlog", out, 0, -1, 4)
	if err != nil {
		return dst, err
	}
	s, ds, err := output("sightlog", out, 1, d[0], -1)
	if err != nil {
		return dst, err
	}
	classes := int(ds[1])
	if classes < 1 {
		return dst, fmt.Errorf("decode sightlog: output %s has no class", s)
	}
	for i := range int(d[0]) {
		class, score := 0, s.F32[i*classes]
		if classes > 1 {
			class, score = best(s.F32[i*classes : (i+1)*classes])
		}
		if q.passes(score) {
			dst = q.keep(dst, [4]float32(b.F32[4*i:]), score, class)
		}
	}
	return dst, nil
}

// end2end reads [1,N,6], suppression inside: x1, y1, x2, y2 in input pixels,
// score, class (YOLOv10, YOLO26 and exports with suppression). Further columns,
// such as a pose's joints, are not read.
type end2end struct{}

func (end2end) suppressed() bool { return true }

func (end2end) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	t, row, err := first("end2end", out, 6)
	if err != nil {
		return dst, err
	}
	switch n, grid := int64(len(t.F32)/row), cells(q.in.X, q.in.Y); {
	case n == 0:
	case n == grid:
		return dst, fmt.Errorf("decode end2end: output %s has a row for each cell of a grid; it may be yolox", t)
	case n == 3*grid:
		return dst, fmt.Errorf("decode end2end: output %s has three rows for each cell of a grid; it may be yolov5", t)
	}
	for at := 0; at < len(t.F32); at += row {
		r := t.F32[at : at+6]
		dst = q.keep(dst, [4]float32(r), r[4], q.classID(r[5]))
	}
	return dst, nil
}

// mmdeploy reads dets [1,N,5], x1, y1, x2, y2 in input pixels and score, and
// labels [1,N], suppression inside.
type mmdeploy struct{}

func (mmdeploy) suppressed() bool { return true }

func (mmdeploy) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	t, d, err := output("mmdeploy", out, 0, -1, 5)
	if err != nil {
		return dst, err
	}
	l, _, err := output("mmdeploy", out, 1, d[0])
	if err != nil {
		return dst, err
	}
	for i := range int(d[0]) {
		r := t.F32[5*i : 5*i+5]
		dst = q.keep(dst, [4]float32(r), r[4], q.classOf(l, i))
	}
	return dst, nil
}

// boxes reads three outputs, in any order and known by name: boxes [1,N,4] as
// x1, y1, x2, y2 in input pixels, labels [1,N] and scores [1,N] (torchvision,
// D-FINE, RT-DETR). Suppression is inside or not needed.
type boxes struct{}

func (boxes) suppressed() bool { return true }

func (boxes) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	order := [3]int{-1, -1, -1}
	for i := range out {
		for k, name := range [...]string{"boxes", "labels", "scores"} {
			if out[i].Name == name {
				order[k] = i
			}
		}
	}
	if order[0] < 0 || order[1] < 0 || order[2] < 0 {
		return dst, fmt.Errorf("decode boxes: there are no outputs called boxes, labels and scores")
	}
	b, d, err := output("boxes", out, order[0], -1, 4)
	if err != nil {
		return dst, err
	}
	l, _, err := output("boxes", out, order[1], d[0])
	if err != nil {
		return dst, err
	}
	s, _, err := output("boxes", out, order[2], d[0])
	if err != nil {
		return dst, err
	}
	for i := range int(d[0]) {
		dst = q.keep(dst, [4]float32(b.F32[4*i:]), s.F32[i], q.classOf(l, i))
	}
	return dst, nil
}

// classOf reads a label of either type.
func (q *query) classOf(t *Tensor, i int) int {
	if t.I64 == nil {
		return q.classID(t.F32[i])
	}
	if v := t.I64[i]; v >= 0 && v < maxClasses {
		return int(v)
	}
	return -1
}

// detr reads boxes [1,N,4], centre and size as parts of the input, and logits
// [1,N,C] for each class, in either order: dets and labels (RF-DETR), or logits
// and pred_boxes (D-FINE, RT-DETR, RF-DETR as exported by Optimum). Each box
// stands for itself: there is nothing to suppress.
type detr struct{}

func (detr) suppressed() bool { return true }

func detrLogitsFirst(name string) bool { return name == "logits" || name == "pred_logits" }

func (detr) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	boxes, logits := 0, 1
	if len(out) > 0 && detrLogitsFirst(out[0].Name) {
		boxes, logits = 1, 0
	}
	b, d, err := output("detr", out, boxes, -1, 4)
	if err != nil {
		return dst, err
	}
	l, dl, err := output("detr", out, logits, d[0], -1)
	if err != nil {
		return dst, err
	}
	classes := int(dl[1])
	w, h := float32(q.in.X), float32(q.in.Y)
	for i := range int(d[0]) {
		class, logit := -1, float32(math.Inf(-1))
		for c, v := range l.F32[i*classes : (i+1)*classes] {
			if v > logit {
				class, logit = c, v
			}
		}
		r := b.F32[4*i : 4*i+4]
		dst = q.keep(dst, centred(r[0]*w, r[1]*h, r[2]*w, r[3]*h), 1/(1+exp(-logit)), class)
	}
	return dst, nil
}

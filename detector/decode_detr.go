package detector

import (
	"math"
)

// detr reads boxes [1,N,4], centre and size as parts of the input, and logits
// [1,N,C] for each class, in either order: dets and labels (RF-DETR), or logits
// and pred_boxes (D-FINE, RT-DETR, RF-DETR as exported by Optimum). Each box
// is an object of its own: nothing is suppressed.
type detr struct{}

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

// RF-DETR, known by its names or its 91 classes, wants ImageNet's normalisation
// and loses most of its precision at another size than its own (384 for nano);
// D-FINE and RT-DETR want parts of 1.
func detrInput(s *Spec, g *graph, classes int) {
	if roboflow(g) || classes == 91 {
		s.setImageNet(RGB, Stretch)
		s.Side = 384
		return
	}
	s.setNormalisation(RGB, Stretch, 255)
	s.Side = 640
}

func roboflow(g *graph) bool {
	return len(g.out) == 2 && g.out[0].Name == "dets" && g.out[1].Name == "labels"
}

func detrLogitsFirst(name string) bool { return name == "logits" || name == "pred_logits" }

func (detr) hasNMS() bool { return true }

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
		dst = q.add(dst, centred(r[0]*w, r[1]*h, r[2]*w, r[3]*h), 1/(1+exp(-logit)), class)
	}
	return dst, nil
}

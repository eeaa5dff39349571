package detector

import (
	"fmt"
	"slices"
)

// boxes reads three outputs, in any order and known by name: boxes [1,N,4] as
// x1, y1, x2, y2 in input pixels, labels [1,N] and scores [1,N] (torchvision,
// D-FINE, RT-DETR). Suppression is inside or not needed.
type boxes struct{}

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
func boxesInput(s *Spec, g *graph, _ int) {
	s.setNormalisation(RGB, s.Letterbox, 255)
	s.VariableOutput, s.Side = true, 640
	if !g.sized {
		s.Classes = coco91()
	}
}

func (boxes) hasNMS() bool { return true }

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
		dst = q.add(dst, [4]float32(b.F32[4*i:]), s.F32[i], q.classOf(l, i))
	}
	return dst, nil
}

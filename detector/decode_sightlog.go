package detector

import (
	"fmt"
)

// sightlog reads our own export: boxes [b,N,4] as x1, y1, x2, y2 in input
// pixels and scores [b,N,C], without suppression.
type sightlog struct{}

func sightlogClasses(g *graph) int {
	if g.meta["decoder"] != "sightlog" || len(g.out) != 2 || g.out[0].Name != "boxes" || g.out[1].Name != "scores" {
		return 0
	}
	if n := int(g.out[1].last()); n > 0 {
		return n
	}
	return max(1, len(g.names))
}

func sightlogInput(s *Spec, _ *graph, _ int) { s.setNormalisation(BGR, TopLeft, 1) }

func (sightlog) hasNMS() bool { return false }

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
			dst = q.add(dst, [4]float32(b.F32[4*i:]), score, class)
		}
	}
	return dst, nil
}

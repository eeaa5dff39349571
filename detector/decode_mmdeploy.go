package detector

// mmdeploy reads dets [1,N,5], x1, y1, x2, y2 in input pixels and score, and
// labels [1,N], suppression inside.
type mmdeploy struct{}

func mmdeployClasses(g *graph) int {
	if len(g.out) != 2 || g.out[0].Name != "dets" || g.out[1].Name != "labels" || !g.out[1].whole() ||
		g.out[0].last() != 5 && g.out[0].last() > 0 {
		return 0
	}
	return anyClasses
}

func mmdeployInput(s *Spec, _ *graph, _ int) {
	s.setImageNet(BGR, TopLeft)
	s.VariableOutput, s.Side, s.Score = true, 320, 0.4
}

func (mmdeploy) hasNMS() bool { return true }

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
		dst = q.add(dst, [4]float32(r), r[4], q.classOf(l, i))
	}
	return dst, nil
}

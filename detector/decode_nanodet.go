package detector

import (
	"fmt"
)

// nanodet reads NanoDet's export: for each stride of 8, 16, 32 (and 64) one
// output [1,N,C] of class scores after sigmoid and one [1,N,4*8], the
// distances from the cell's centre to the left, top, right and bottom edge,
// each as logits over 0..7 strides whose expectation it is (Li et al.,
// arXiv:2006.04388; N runs over the cells row by row).
type nanodet struct{}

const nanodetBins = 8

func nanodetClasses(g *graph) int {
	if len(g.out) != 6 && len(g.out) != 8 {
		return 0
	}
	classes, distances := 0, 0
	for _, t := range g.out {
		switch k := t.last(); {
		case len(t.Shape) != 3 || !t.real() || k < 1:
			return 0
		case k == 4*nanodetBins:
			distances++
		default:
			classes = int(k)
		}
	}
	if distances == len(g.out) {
		return 4 * nanodetBins
	}
	if 2*distances != len(g.out) {
		return 0
	}
	return classes
}

func nanodetInput(s *Spec, _ *graph, _ int) {
	s.setImageNet(BGR, TopLeft)
	s.Score = 0.45
}

func (nanodet) hasNMS() bool { return false }

func (nanodet) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	found := 0
	for _, stride := range [...]int{8, 16, 32, 64} {
		w, h := (q.in.X+stride-1)/stride, (q.in.Y+stride-1)/stride
		scores, distances := nanodetLevel(out, int64(w*h))
		if scores == nil {
			continue
		}
		found += 2
		classes := len(scores.F32) / (w * h)
		for i := range w * h {
			class, score := best(scores.F32[i*classes : (i+1)*classes])
			if !q.passes(score) || !q.wants(class) {
				continue
			}
			var side [4]float32
			for k := range side {
				at := (4*i + k) * nanodetBins
				side[k] = expectation(distances.F32[at:at+nanodetBins]) * float32(stride)
			}
			x, y := (float32(i%w)+0.5)*float32(stride), (float32(i/w)+0.5)*float32(stride)
			dst = q.add(dst, [4]float32{x - side[0], y - side[1], x + side[2], y + side[3]}, score, class)
		}
	}
	if found == 0 || found != len(out) {
		return dst, fmt.Errorf("decode nanodet: %d of %d outputs fit the grids of strides 8 to 64", found, len(out))
	}
	return dst, nil
}

// nanodetLevel finds the two outputs with n cells. Scores come before
// distances where both could be either.
func nanodetLevel(out []Tensor, n int64) (scores, distances *Tensor) {
	for i := range out {
		d := out[i].dims(2)
		if len(d) != 2 || d[0] != n || int64(len(out[i].F32)) != d[0]*d[1] || d[1] < 1 {
			continue
		}
		if d[1] == 4*nanodetBins && (scores != nil || !another(out, i, n)) {
			distances = &out[i]
		} else {
			scores = &out[i]
		}
	}
	if scores == nil || distances == nil {
		return nil, nil
	}
	return scores, distances
}

// another reports whether an output after i has n cells too.
func another(out []Tensor, i int, n int64) bool {
	for k := i + 1; k < len(out); k++ {
		if d := out[k].dims(2); len(d) == 2 && d[0] == n && d[1] == 4*nanodetBins {
			return true
		}
	}
	return false
}

// expectation is the mean of softmax(logits) over 0, 1, 2, …
func expectation(logits []float32) float32 {
	top := logits[0]
	for _, v := range logits[1:] {
		top = max(top, v)
	}
	var sum, mean float32
	for i, v := range logits {
		p := exp(v - top)
		sum += p
		mean += p * float32(i)
	}
	return mean / sum
}

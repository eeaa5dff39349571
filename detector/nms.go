package detector

import (
	"cmp"
	"slices"
)

// candidate is a box before suppression: x1, y1, x2, y2 in input pixels.
type candidate struct {
	box   [4]float32
	score float32
	class int32
}

// maxCandidates bounds the quadratic work of suppression when a model answers
// with thousands of boxes; those with the highest scores are kept.
const maxCandidates = 1024

// sortByScore puts the highest score first; equal ones keep their order.
func sortByScore(c []candidate) {
	slices.SortStableFunc(c, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
}

// suppress is greedy non-maximum suppression, class by class: of two boxes of
// a class that overlap by more than iou, the one with the lower score goes.
// It wants candidates by falling score and works in place.
func suppress(c []candidate, iou float32) []candidate {
	kept := c[:0]
	for _, b := range c {
		if !slices.ContainsFunc(kept, func(a candidate) bool { return a.class == b.class && overlap(a.box, b.box) > iou }) {
			kept = append(kept, b)
		}
	}
	return kept
}

// overlap is the intersection of two boxes over their union, 0..1.
func overlap(a, b [4]float32) float32 {
	w := min(a[2], b[2]) - max(a[0], b[0])
	h := min(a[3], b[3]) - max(a[1], b[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	both := w * h
	return both / ((a[2]-a[0])*(a[3]-a[1]) + (b[2]-b[0])*(b[3]-b[1]) - both)
}

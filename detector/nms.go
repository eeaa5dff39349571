package detector

import (
	"cmp"
	"slices"

	"github.com/sightlog/sightlog/event"
)

// candidate is a box before suppression: x1, y1, x2, y2 in input pixels.
type candidate struct {
	box   [4]float32
	score float32
	class int32
}

// maxCandidates bounds the quadratic work of suppression when a model answers
// with thousands of boxes; those with the lowest scores are left out.
const maxCandidates = 1024

// sortByScore puts the highest score first; equal ones keep their order.
func sortByScore(c []candidate) {
	slices.SortStableFunc(c, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
}

// suppress is greedy non-maximum suppression, class by class: of two boxes of
// a class that overlap by more than iou, the one with the lower score is
// removed. It wants candidates by falling score and works in place.
func suppress(c []candidate, iou float32) []candidate {
	rest := c[:0]
	for _, b := range c {
		if !slices.ContainsFunc(rest, func(a candidate) bool { return a.class == b.class && float32(event.Box(a.box).IoU(b.box)) > iou }) {
			rest = append(rest, b)
		}
	}
	return rest
}

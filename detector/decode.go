package detector

import (
	"fmt"
	"image"
	"math"
	"slices"
)

// decoder reads one layout of outputs. decode appends the wanted candidates
// with a score of at least q.score to dst.
type decoder interface {
	decode(dst []candidate, out []Tensor, q *query) ([]candidate, error)
	// hasNMS reports whether the graph has done non-maximum suppression itself.
	hasNMS() bool
}

// query is which candidates are wanted, and counts what was odd in a frame's
// outputs.
type query struct {
	score  float32
	class  []bool // by id
	rest   bool   // ids beyond it are wanted, too
	in     image.Point
	padded bool // rows without a box may have any score below the threshold

	nan    int     // scores, boxes and classes that were not numbers
	odd    float32 // a score that is no probability; 0: none
	beyond int     // the greatest class id without a name; 0: none
}

// slack is how far a probability may lie outside 0..1: outputs of eight bits are
// that coarse.
const slack = 0.05

// wants reports whether objects of the class are reported.
func (q *query) wants(class int) bool {
	if class >= len(q.class) {
		return q.rest
	}
	return class >= 0 && q.class[class]
}

// passes reports whether a score reaches the threshold; NaN does not.
func (q *query) passes(score float32) bool {
	if score >= q.score {
		return true
	}
	switch {
	case score != score:
		q.nan++
	case score < -slack && !q.padded:
		q.odd = score
	}
	return false
}

// add appends a candidate that passes and is wanted.
func (q *query) add(dst []candidate, box [4]float32, score float32, class int) []candidate {
	if !q.passes(score) {
		return dst
	}
	if class >= len(q.class) {
		q.beyond = max(q.beyond, class)
	}
	if score > 1+slack {
		q.odd = score
	}
	if !q.wants(class) {
		return dst
	}
	for _, v := range box {
		if v-v != 0 { // NaN and the infinities
			q.nan++
			return dst
		}
	}
	return append(dst, candidate{box, min(score, 1), int32(class)})
}

// classID reads a class from a float; -1 is none.
func (q *query) classID(v float32) int {
	if !(v > -0.5 && v < maxClasses) {
		if v-v != 0 {
			q.nan++
		}
		return -1
	}
	return int(v + 0.5)
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

// output finds an output by its last n dimensions, -1 for any, of which a
// leading batch of one is no part.
func output(name string, out []Tensor, i int, want ...int64) (*Tensor, []int64, error) {
	if i >= len(out) {
		return nil, nil, fmt.Errorf("decode %s: there are %d outputs, not %d", name, len(out), i+1)
	}
	t := &out[i]
	d := t.dims(len(want))
	ok := len(d) == len(want)
	n := int64(1)
	for k := 0; ok && k < len(want); k++ {
		ok = want[k] < 0 || d[k] == want[k]
		n *= d[k]
	}
	if !ok || n != int64(max(len(t.F32), len(t.I64))) {
		return nil, nil, fmt.Errorf("decode %s: output %s is not %v", name, t, slices.Clone(want)) // want stays on the stack
	}
	return t, d, nil
}

// first returns the first output as rows of n or more columns.
func first(name string, out []Tensor, n int) (*Tensor, int, error) {
	t, d, err := output(name, out, 0, -1, -1)
	if err != nil {
		return nil, 0, err
	}
	if int(d[1]) < n || t.F32 == nil && d[0] > 0 {
		return nil, 0, fmt.Errorf("decode %s: output %s is not f32 [1,N,%d] or more", name, t, n)
	}
	return t, int(d[1]), nil
}

// best returns the index and value of the greatest score, the first of equal
// ones. NaN is never greatest; -1 and NaN if there is nothing else.
func best(scores []float32) (int, float32) {
	at, top := -1, float32(math.NaN())
	for i, v := range scores {
		if v > top || at < 0 && v == v {
			at, top = i, v
		}
	}
	return at, top
}

// centred makes a box from its centre and size.
func centred(cx, cy, w, h float32) [4]float32 {
	return [4]float32{cx - w/2, cy - h/2, cx + w/2, cy + h/2}
}

func abs(v float32) float32 { return max(v, -v) }

func exp(v float32) float32 { return float32(math.Exp(float64(v))) }

package detector

import (
	"fmt"
	"image"
)

// query says which candidates are wanted.
type query struct {
	score float32
	class []bool // by id; an id beyond it is not wanted
	in    image.Point
}

func (q *query) wants(class int32) bool {
	return class >= 0 && int(class) < len(q.class) && q.class[class]
}

// decoder reads one layout of outputs. decode appends the wanted candidates
// with a score of at least q.score, in the graph's order, to dst. A score
// that is NaN is not at least anything.
type decoder interface {
	decode(dst []candidate, out []Tensor, q *query) ([]candidate, error)
	// suppressed: the graph has done non-maximum suppression itself.
	suppressed() bool
}

// Decoders are the names that Spec.Decoder can have.
func Decoders() []string {
	return []string{"yolox"}
}

func newDecoder(s Spec) (decoder, error) {
	switch s.Decoder {
	case "yolox":
		return &yolox{raw: !s.Decoded}, nil
	}
	return nil, fmt.Errorf("unknown decoder %q", s.Decoder)
}

// wrong says that an output is not what the decoder reads.
func wrong(name string, t *Tensor, want string) error {
	return fmt.Errorf("decode %s: output %s is not %s", name, t, want)
}

// best returns the index and value of the greatest score. NaN is never
// greatest; -1 if there is nothing else.
func best(scores []float32) (int, float32) {
	at, top := -1, float32(-1)
	for i, v := range scores {
		if v > top {
			at, top = i, v
		}
	}
	return at, top
}

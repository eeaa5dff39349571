package detector

import "fmt"

// Tensor is a dense tensor in row-major order. Exactly one of F32 and I64
// holds its data; its length is the product of Shape.
type Tensor struct {
	Name  string
	Shape []int64
	F32   []float32
	I64   []int64
}

func (t *Tensor) String() string { return fmt.Sprintf("%s %v", t.Name, t.Shape) }

// dims returns the shape without leading dimensions of one, as n ≥ 1
// dimensions where possible: a batch of one is no batch.
func (t *Tensor) dims(n int) []int64 {
	s := t.Shape
	for len(s) > n && s[0] == 1 {
		s = s[1:]
	}
	return s
}

// TensorInfo describes an input or output of a graph. A dimension that is
// free is -1.
type TensorInfo struct {
	Name           string
	Shape          []int64
	Float32, Int64 bool // the type of its elements; others are not read
}

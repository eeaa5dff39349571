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

// Element is the type of a tensor's elements.
type Element string

// The types that are fed or read; a graph can name others.
const (
	Float16 Element = "f16"
	Float32 Element = "f32"
	Float64 Element = "f64"
	Uint8   Element = "u8"
	Int32   Element = "i32"
	Int64   Element = "i64"
)

// TensorInfo describes an input or output of a graph. A dimension that is
// free is -1.
type TensorInfo struct {
	Name  string
	Shape []int64
	Type  Element
}

// real reports whether the elements are numbers that a Model gives as f32.
func (t TensorInfo) real() bool { return t.Type == Float16 || t.Type == Float32 || t.Type == Float64 }

// whole reports whether the elements are numbers that a Model gives as i64.
func (t TensorInfo) whole() bool { return t.Type == Int32 || t.Type == Int64 }

// last returns the last dimension, 0 without one.
func (t TensorInfo) last() int64 {
	if len(t.Shape) == 0 {
		return 0
	}
	return t.Shape[len(t.Shape)-1]
}

func shapes(ts []TensorInfo) string {
	s := ""
	for i, t := range ts {
		if i > 0 {
			s += ", "
		}
		if i == 6 {
			return s + "…"
		}
		s += fmt.Sprintf("%s %v", t.Name, t.Shape)
		if t.Type != Float32 {
			s += " " + string(t.Type)
		}
	}
	return s
}

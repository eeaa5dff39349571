package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/sightlog/sightlog/detector"
)

// elements are the types of tensors that are fed or read, by their names.
var elements = map[ort.TensorElementDataType]detector.Element{
	ort.TensorElementDataTypeFloat16: detector.Float16,
	ort.TensorElementDataTypeFloat:   detector.Float32,
	ort.TensorElementDataTypeDouble:  detector.Float64,
	ort.TensorElementDataTypeUint8:   detector.Uint8,
	ort.TensorElementDataTypeInt32:   detector.Int32,
	ort.TensorElementDataTypeInt64:   detector.Int64,
}

// element names the type of an input's or output's elements.
func element(i ort.InputOutputInfo) detector.Element {
	switch known := elements[i.DataType]; {
	case i.OrtValueType != ort.ONNXTypeTensor:
		return "no tensor"
	case known != "":
		return known
	}
	name := strings.TrimPrefix(i.DataType.String(), "ONNX_TENSOR_ELEMENT_DATA_TYPE_")
	return detector.Element(strings.ToLower(name))
}

// input makes the graph's picture of the detector's, f32 [1,3,h,w], and what
// copies the one into the other before each run; nil where they are the same
// memory. The tensor's memory is pinned by pins, here and below.
func input(s *detector.Spec, in *detector.Tensor, pins *runtime.Pinner) (ort.Value, func(), error) {
	shape := in.Shape
	place := func(i int) int { return i }
	if s.Axes == detector.NHWC {
		shape = []int64{1, in.Shape[2], in.Shape[3], in.Shape[1]}
		area := int(in.Shape[2] * in.Shape[3])
		place = func(i int) int { return i%area*3 + i/area }
	}
	switch {
	case s.Input == detector.Float16:
		v, err := newF16(shape, pins)
		if err != nil {
			return nil, nil, err
		}
		data := v.GetData()
		return v, func() {
			for i, f := range in.F32 {
				binary.NativeEndian.PutUint16(data[2*place(i):], toHalf(f))
			}
		}, nil
	case s.Input == detector.Uint8:
		data := make([]uint8, len(in.F32))
		v, err := newTensor(shape, data, pins)
		return v, func() {
			for i, f := range in.F32 {
				data[place(i)] = uint8(min(max(f, 0), 255) + 0.5)
			}
		}, err
	case s.Axes == detector.NHWC:
		data := make([]float32, len(in.F32))
		v, err := newTensor(shape, data, pins)
		return v, func() {
			for i, f := range in.F32 {
				data[place(i)] = f
			}
		}, err
	}
	v, err := newTensor(shape, in.F32, pins)
	return v, nil, err
}

// asTensor shows a tensor as one of f32 or i64, without copying one that is, and
// returns what copies any other again after each run.
func asTensor(name string, v ort.Value) (detector.Tensor, func(), error) {
	out := detector.Tensor{Name: name, Shape: v.GetShape()}
	var refresh func()
	switch t := v.(type) {
	case *ort.Tensor[float32]:
		out.F32 = t.GetData()
	case *ort.Tensor[int64]:
		out.I64 = t.GetData()
	case *ort.Tensor[float64]:
		data := t.GetData()
		out.F32 = make([]float32, len(data))
		refresh = func() {
			for i, f := range data {
				out.F32[i] = float32(f)
			}
		}
	case *ort.Tensor[int32]:
		data := t.GetData()
		out.I64 = make([]int64, len(data))
		refresh = func() {
			for i, n := range data {
				out.I64[i] = int64(n)
			}
		}
	case *ort.CustomDataTensor: // of f16: see readable
		data := t.GetData()
		out.F32 = make([]float32, len(data)/2)
		refresh = func() {
			for i := range out.F32 {
				out.F32[i] = fromHalf(binary.NativeEndian.Uint16(data[2*i:]))
			}
		}
	default:
		return out, nil, fmt.Errorf("output %s is %T, whose elements are not read", name, v)
	}
	if refresh != nil {
		refresh()
	}
	return out, refresh, nil
}

// like allocates a tensor of v's type and size.
func like(v ort.Value, pins *runtime.Pinner) (ort.Value, error) {
	switch t := v.(type) {
	case *ort.Tensor[float32]:
		return newTensor(t.GetShape(), make([]float32, len(t.GetData())), pins)
	case *ort.Tensor[int64]:
		return newTensor(t.GetShape(), make([]int64, len(t.GetData())), pins)
	case *ort.Tensor[float64]:
		return newTensor(t.GetShape(), make([]float64, len(t.GetData())), pins)
	case *ort.Tensor[int32]:
		return newTensor(t.GetShape(), make([]int32, len(t.GetData())), pins)
	case *ort.CustomDataTensor:
		return newF16(t.GetShape(), pins)
	}
	return nil, fmt.Errorf("an output is %T, whose elements are not read", v)
}

// newTensor returns a tensor that has data for its memory.
func newTensor[T ort.TensorData](shape []int64, data []T, pins *runtime.Pinner) (ort.Value, error) {
	pins.Pin(unsafe.SliceData(data))
	return ort.NewTensor(ort.NewShape(shape...), data)
}

// newF16 allocates a tensor of f16.
func newF16(shape []int64, pins *runtime.Pinner) (*ort.CustomDataTensor, error) {
	s := ort.NewShape(shape...)
	data := make([]byte, 2*s.FlattenedSize())
	pins.Pin(unsafe.SliceData(data))
	return ort.NewCustomDataTensor(s, data, ort.TensorElementDataTypeFloat16)
}

// fixedF16 returns the shape of an output of f16, for a batch of one; nil for
// any other.
func fixedF16(t detector.TensorInfo) []int64 {
	if t.Type != detector.Float16 {
		return nil
	}
	shape := slices.Clone(t.Shape)
	if len(shape) > 0 && shape[0] < 0 {
		shape[0] = 1
	}
	return shape
}

// readable returns why an output cannot be read, if it cannot. Those of f16 are
// allocated before a run: the library cannot give one of a size that only the
// run determines.
func readable(t detector.TensorInfo) error {
	switch t.Type {
	case detector.Float32, detector.Float64, detector.Int32, detector.Int64:
		return nil
	case detector.Float16:
		n := int64(1)
		for _, d := range fixedF16(t) {
			if d < 1 || n > math.MaxInt32/d {
				return fmt.Errorf("its output %s %v is f16 of a size that is not fixed; export it with fixed sizes, or as f32", t.Name, t.Shape)
			}
			n *= d
		}
		return nil
	}
	return fmt.Errorf("its output %s is %s; f16, f32, f64, i32 and i64 are read", t.Name, t.Type)
}

package onnx

import (
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/sightlog/sightlog/detector"
)

// binding is one input tensor and what a run of it fills. onnxruntime keeps
// pointers into the tensors' Go memory from one run to the next: Go does not
// move heap memory, and the fields keep it alive.
type binding struct {
	s      *Session
	data   *float32 // of the detector's tensor: tells whether it is still this one
	shape  []int64
	inputs []ort.Value // the picture, and its size where the graph asks for it

	// Outputs of known size are allocated once and filled in place.
	io     *ort.IoBinding
	fixed  []ort.Value
	result []detector.Tensor

	// Outputs that vary in size are allocated by each run.
	latest []ort.Value
}

// bind runs the graph once to learn the sizes of its outputs, and binds
// tensors of those sizes.
func bind(s *Session, in *detector.Tensor) (*binding, error) {
	input, err := ort.NewTensor(ort.NewShape(in.Shape...), in.F32)
	if err != nil {
		return nil, fmt.Errorf("bind input %v: %w", in.Shape, err)
	}
	b := &binding{s: s, data: &in.F32[0], shape: slices.Clone(in.Shape), inputs: []ort.Value{input}}
	if s.sized {
		size, err := ort.NewTensor(ort.NewShape(1, 2), []int64{in.Shape[3], in.Shape[2]})
		if err != nil {
			b.destroy()
			return nil, fmt.Errorf("bind input %s: %w", s.in[1], err)
		}
		b.inputs = append(b.inputs, size)
	}
	b.latest = make([]ort.Value, len(s.out))
	b.result = make([]detector.Tensor, len(s.out))
	if s.spec.VariableOutput {
		return b, nil
	}
	if _, err := b.takeLatest(); err != nil {
		b.destroy()
		return nil, err
	}
	if b.io, err = s.ort.CreateIoBinding(); err != nil {
		b.destroy()
		return nil, fmt.Errorf("bind outputs: %w", err)
	}
	for i := 0; i < len(b.inputs) && err == nil; i++ {
		err = b.io.BindInput(s.in[i], b.inputs[i])
	}
	for i := 0; i < len(s.out) && err == nil; i++ {
		var v ort.Value
		if v, err = like(b.latest[i]); err == nil {
			b.fixed = append(b.fixed, v)
			b.result[i], err = view(s.out[i], v)
		}
		if err == nil {
			err = b.io.BindOutput(s.out[i], v)
		}
	}
	b.drop()
	if err != nil {
		b.destroy()
		return nil, fmt.Errorf("bind outputs: %w", err)
	}
	return b, nil
}

func (b *binding) run() ([]detector.Tensor, error) {
	if b.io == nil {
		return b.takeLatest()
	}
	if err := b.s.ort.RunWithBinding(b.io); err != nil {
		return nil, err
	}
	return b.result, nil
}

// takeLatest runs the graph with outputs of its own making.
func (b *binding) takeLatest() ([]detector.Tensor, error) {
	b.drop()
	if err := b.s.ort.Run(b.inputs, b.latest); err != nil {
		return nil, err
	}
	for i, v := range b.latest {
		var err error
		if b.result[i], err = view(b.s.out[i], v); err != nil {
			return nil, err
		}
	}
	return b.result, nil
}

// drop frees what the run before has made.
func (b *binding) drop() {
	for i, v := range b.latest {
		if v != nil {
			v.Destroy()
			b.latest[i] = nil
		}
	}
}

func (b *binding) destroy() {
	b.drop()
	if b.io != nil {
		b.io.Destroy()
	}
	for _, v := range b.fixed {
		v.Destroy()
	}
	for _, v := range b.inputs {
		v.Destroy()
	}
}

// like allocates a tensor of v's type and size.
func like(v ort.Value) (ort.Value, error) {
	switch t := v.(type) {
	case *ort.Tensor[float32]:
		return ort.NewEmptyTensor[float32](t.GetShape())
	case *ort.Tensor[int64]:
		return ort.NewEmptyTensor[int64](t.GetShape())
	}
	return nil, fmt.Errorf("an output is %T, not a tensor of float32 or int64", v)
}

// view shows a tensor's data without copying it.
func view(name string, v ort.Value) (detector.Tensor, error) {
	switch t := v.(type) {
	case *ort.Tensor[float32]:
		return detector.Tensor{Name: name, Shape: t.GetShape(), F32: t.GetData()}, nil
	case *ort.Tensor[int64]:
		return detector.Tensor{Name: name, Shape: t.GetShape(), I64: t.GetData()}, nil
	}
	return detector.Tensor{}, fmt.Errorf("output %s is %T, not a tensor of float32 or int64", name, v)
}

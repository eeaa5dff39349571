package onnx

import (
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/sightlog/sightlog/detector"
)

// bind runs the graph once to learn the sizes of its outputs, and binds
// tensors of those sizes.
func bind(s *Session, in *detector.Tensor) (*binding, error) {
	picture, feed, err := input(&s.spec, in)
	if err != nil {
		return nil, fmt.Errorf("bind input %v: %w", in.Shape, err)
	}
	b := &binding{s: s, data: &in.F32[0], shape: slices.Clone(in.Shape), inputs: []ort.Value{picture}, feed: feed}
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
	if _, err := b.run(); err != nil {
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
			err = b.show(i, v)
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
	if b.feed != nil {
		b.feed()
	}
	if b.io == nil {
		return b.takeLatest()
	}
	if err := b.s.ort.RunWithBinding(b.io); err != nil {
		return nil, err
	}
	for _, refresh := range b.refresh {
		refresh()
	}
	return b.result, nil
}

// show makes v the i-th result of every run from now on.
func (b *binding) show(i int, v ort.Value) error {
	t, refresh, err := view(b.s.out[i], v)
	b.result[i] = t
	if refresh != nil {
		b.refresh = append(b.refresh, refresh)
	}
	return err
}

// takeLatest runs the graph with outputs of its own making.
func (b *binding) takeLatest() ([]detector.Tensor, error) {
	b.drop()
	for i, shape := range b.s.halves {
		var err error
		if shape == nil {
			continue
		}
		if b.latest[i], err = halves(shape); err != nil {
			return nil, fmt.Errorf("allocate output %s: %w", b.s.out[i], err)
		}
	}
	if err := b.s.ort.Run(b.inputs, b.latest); err != nil {
		return nil, err
	}
	for i, v := range b.latest {
		var err error
		if b.result[i], _, err = view(b.s.out[i], v); err != nil {
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

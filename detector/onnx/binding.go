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
	b := &binding{s: s, data: &in.F32[0], shape: slices.Clone(in.Shape)}
	picture, feed, err := input(&s.spec, in, &b.pins)
	if err != nil {
		b.destroy()
		return nil, fmt.Errorf("bind input %v: %w", in.Shape, err)
	}
	b.inputs, b.feed = []ort.Value{picture}, feed
	if s.sized {
		size, err := newTensor([]int64{1, 2}, []int64{in.Shape[3], in.Shape[2]}, &b.pins)
		if err != nil {
			b.destroy()
			return nil, fmt.Errorf("bind input %s: %w", s.in[1], err)
		}
		b.inputs = append(b.inputs, size)
	}
	b.runOutputs = make([]ort.Value, len(s.out))
	b.result = make([]detector.Tensor, len(s.out))
	if s.spec.VariableOutput {
		return b, nil
	}
	if _, err := b.run(); err != nil {
		b.destroy()
		return nil, err
	}
	if b.io, err = s.graph.CreateIoBinding(); err != nil {
		b.destroy()
		return nil, fmt.Errorf("bind outputs: %w", err)
	}
	for i := 0; i < len(b.inputs) && err == nil; i++ {
		err = b.io.BindInput(s.in[i], b.inputs[i])
	}
	for i := 0; i < len(s.out) && err == nil; i++ {
		var v ort.Value
		if v, err = like(b.runOutputs[i], &b.pins); err == nil {
			b.fixed = append(b.fixed, v)
			err = b.publish(i, v)
		}
		if err == nil {
			err = b.io.BindOutput(s.out[i], v)
		}
	}
	b.freeOutputs()
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
		return b.runUnbound()
	}
	if err := b.s.graph.RunWithBinding(b.io); err != nil {
		return nil, err
	}
	for _, refresh := range b.refresh {
		refresh()
	}
	return b.result, nil
}

// publish makes v the i-th result of every run from now on.
func (b *binding) publish(i int, v ort.Value) error {
	t, refresh, err := asTensor(b.s.out[i], v)
	b.result[i] = t
	if refresh != nil {
		b.refresh = append(b.refresh, refresh)
	}
	return err
}

// runUnbound runs the graph with outputs of its own making.
func (b *binding) runUnbound() ([]detector.Tensor, error) {
	b.freeOutputs()
	for i, shape := range b.s.f16Shapes {
		if shape == nil {
			continue
		}
		v, err := newF16(shape, &b.runPins)
		if err != nil {
			return nil, fmt.Errorf("allocate output %s: %w", b.s.out[i], err)
		}
		b.runOutputs[i] = v
	}
	if err := b.s.graph.Run(b.inputs, b.runOutputs); err != nil {
		return nil, err
	}
	for i, v := range b.runOutputs {
		var err error
		if b.result[i], _, err = asTensor(b.s.out[i], v); err != nil {
			return nil, err
		}
	}
	return b.result, nil
}

// freeOutputs frees what the run before has made.
func (b *binding) freeOutputs() {
	for i, v := range b.runOutputs {
		if v != nil {
			v.Destroy()
			b.runOutputs[i] = nil
		}
	}
	b.runPins.Unpin()
}

func (b *binding) destroy() {
	b.freeOutputs()
	if b.io != nil {
		b.io.Destroy()
	}
	for _, v := range b.fixed {
		v.Destroy()
	}
	for _, v := range b.inputs {
		v.Destroy()
	}
	b.pins.Unpin()
}

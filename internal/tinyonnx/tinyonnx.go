// Package tinyonnx writes small ONNX graphs, so that tests can run a layout of
// inputs and outputs through the real runtime without anybody's weights. It
// knows the few fields of onnx.proto3 that such graphs need.
package tinyonnx

import (
	"encoding/binary"
	"math"
)

// Element types of onnx.proto3.
const (
	Float32  = 1
	Uint8    = 2
	Int32    = 6
	Int64    = 7
	Float16  = 10
	Float64  = 11
	BFloat16 = 16
)

// Graph is a graph under construction.
type Graph struct {
	nodes, weights, inputs, outputs [][]byte
	Metadata                        map[string]string
}

// Input declares an input; a dimension of -1 is free.
func (g *Graph) Input(name string, elem int, shape ...int64) {
	g.inputs = append(g.inputs, valueInfo(name, elem, shape))
}

// Output declares an output.
func (g *Graph) Output(name string, elem int, shape ...int64) {
	g.outputs = append(g.outputs, valueInfo(name, elem, shape))
}

// Floats adds a constant.
func (g *Graph) Floats(name string, data []float32, shape ...int64) {
	var raw []byte
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	g.weights = append(g.weights, tensor(name, Float32, raw, shape))
}

// Ints adds a constant.
func (g *Graph) Ints(name string, data []int64, shape ...int64) {
	var raw []byte
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	g.weights = append(g.weights, tensor(name, Int64, raw, shape))
}

// External adds a constant of floats whose data lie in a file beside the model.
func (g *Graph) External(name, file string, shape ...int64) {
	t := tensor(name, Float32, nil, shape)
	t = bytesField(t, 13, bytesField(bytesField(nil, 1, []byte("location")), 2, []byte(file)))
	g.weights = append(g.weights, intField(t, 14, 1))
}

// Node adds an operation with integer attributes: []int64 for a list, int64
// for one.
func (g *Graph) Node(op string, in, out []string, attributes map[string]any) {
	var n []byte
	for _, v := range in {
		n = bytesField(n, 1, []byte(v))
	}
	for _, v := range out {
		n = bytesField(n, 2, []byte(v))
	}
	n = bytesField(n, 4, []byte(op))
	for name, v := range attributes {
		a := bytesField(nil, 1, []byte(name))
		switch v := v.(type) {
		case int64:
			a = intField(a, 3, v)
			a = intField(a, 20, 2)
		case []int64:
			for _, i := range v {
				a = intField(a, 8, i)
			}
			a = intField(a, 20, 7)
		default:
			panic("tinyonnx: attributes are int64 or []int64")
		}
		n = bytesField(n, 5, a)
	}
	g.nodes = append(g.nodes, n)
}

// Bytes returns the model: IR version 8, opset 13.
func (g *Graph) Bytes() []byte {
	var b []byte
	for _, n := range g.nodes {
		b = bytesField(b, 1, n)
	}
	b = bytesField(b, 2, []byte("tiny"))
	for _, w := range g.weights {
		b = bytesField(b, 5, w)
	}
	for _, v := range g.inputs {
		b = bytesField(b, 11, v)
	}
	for _, v := range g.outputs {
		b = bytesField(b, 12, v)
	}
	m := intField(nil, 1, 8)
	m = bytesField(m, 7, b)
	m = bytesField(m, 8, intField(bytesField(nil, 1, nil), 2, 13))
	for k, v := range g.Metadata {
		m = bytesField(m, 14, bytesField(bytesField(nil, 1, []byte(k)), 2, []byte(v)))
	}
	return m
}

func tensor(name string, elem int64, raw []byte, shape []int64) []byte {
	var t []byte
	for _, d := range shape {
		t = intField(t, 1, d)
	}
	t = intField(t, 2, elem)
	t = bytesField(t, 8, []byte(name))
	if raw == nil {
		return t
	}
	return bytesField(t, 9, raw)
}

func valueInfo(name string, elem int, shape []int64) []byte {
	var dims []byte
	for i, d := range shape {
		dim := intField(nil, 1, d)
		if d < 0 {
			dim = bytesField(nil, 2, []byte{'d', byte('0' + i)})
		}
		dims = bytesField(dims, 1, dim)
	}
	t := intField(nil, 1, int64(elem))
	t = bytesField(t, 2, dims)
	return bytesField(bytesField(nil, 1, []byte(name)), 2, bytesField(nil, 1, t))
}

// intField and bytesField append a field in protobuf's wire format.
func intField(b []byte, field int, v int64) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3)
	return binary.AppendUvarint(b, uint64(v))
}

func bytesField(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

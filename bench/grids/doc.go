// Package grids has the ready grids of bench sweep.
package grids

import "embed"

// Files are the grids.
//
//go:embed *.yaml
var Files embed.FS

// Stub is an ONNX model with constant outputs, the boxes of six people: it takes a fixed time,
// which is next to none.
//
//go:embed stub-fixed-time.onnx
var Stub []byte

package onnx

import (
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/sightlog/sightlog/detector"
)

// Session is a loaded graph. It implements detector.Model and belongs to one
// goroutine at a time; Share makes another that runs beside it.
type Session struct {
	spec    detector.Spec
	in, out []string
	ort     *ort.DynamicAdvancedSession
	users   *atomic.Int64 // sessions that share ort; the last to close frees it
	bound   []*binding    // for the inputs used last, the latest first
	sized   bool          // the graph has a second input, detector.SizeInput
	halves  [][]int64     // by output: its shape if it is of f16; see readable
}

// Spec returns the input that the graph takes and the format of its outputs.
func (s *Session) Spec() detector.Spec { return s.spec }

// Provider returns the execution provider of onnxruntime: always cpu.
func (s *Session) Provider() string { return "cpu" }

// Share returns a session of the same loaded graph with tensors of its own, for
// another camera: the weights are in memory once, and both can run at the same
// time. Each is closed by itself.
func (s *Session) Share() *Session {
	s.users.Add(1)
	shared := *s
	shared.bound = nil
	return &shared
}

// binding is one input tensor and what a run of it fills. onnxruntime keeps
// pointers into the tensors' Go memory from one run to the next: Go does not
// move heap memory, and the fields keep it alive.
type binding struct {
	s      *Session
	data   *float32 // of the detector's tensor, to recognise it
	shape  []int64
	inputs []ort.Value // the picture, and its size where the graph asks for it
	feed   func()      // fills the picture; nil: it is the detector's own memory

	// Outputs of known size are allocated once and filled in place.
	io      *ort.IoBinding
	fixed   []ort.Value
	result  []detector.Tensor
	refresh []func() // copy those of other types than the detector reads

	// Outputs that vary in size are allocated by each run.
	latest []ort.Value
}

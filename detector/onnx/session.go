package onnx

import (
	"runtime"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/sightlog/sightlog/detector"
)

// Session is a loaded graph. It implements detector.Model and belongs to one
// goroutine at a time; Share makes another that runs beside it.
type Session struct {
	spec      detector.Spec
	in, out   []string
	graph     *ort.DynamicAdvancedSession
	users     *atomic.Int64 // sessions that share graph; the last to close frees it
	bound     []*binding    // for the inputs used last, the most recent first
	sized     bool          // the graph has a second input, detector.SizeInput
	f16Shapes [][]int64     // by output: its shape if it is of f16; see readable
}

// Spec returns the input that the graph takes and the format of its outputs.
func (s *Session) Spec() detector.Spec { return s.spec }

// Provider returns the execution provider of onnxruntime, which a sighting names beside
// its model: always cpu.
func (s *Session) Provider() string { return "cpu" }

// Share returns a session of the same loaded graph with tensors of its own, for
// another camera: the weights are in memory once, and both can run at the same
// time. Each is closed by itself. Share is not called while Run or Close of s runs.
func (s *Session) Share() *Session {
	s.users.Add(1)
	shared := *s
	shared.bound = nil
	return &shared
}

// binding is one input tensor and what a run of it fills. onnxruntime keeps pointers into
// the tensors' Go memory from one run to the next, which cgo's rules allow for pinned
// memory alone: it is pinned until its tensor was destroyed. So a session has to be
// closed; the runtime panics when it collects a pin that was forgotten.
type binding struct {
	s      *Session
	data   *float32 // of the detector's tensor, to recognise it
	shape  []int64
	inputs []ort.Value    // the picture, and its size where the graph asks for it
	feed   func()         // fills the picture; nil: it is the detector's own memory
	pins   runtime.Pinner // the memory of inputs and fixed

	// Outputs of known size are allocated once and filled in place.
	io      *ort.IoBinding
	fixed   []ort.Value
	result  []detector.Tensor
	refresh []func() // copy outputs of other types than the detector reads into result

	// Outputs that vary in size are allocated by each run.
	runOutputs []ort.Value
	runPins    runtime.Pinner // the memory of those that are allocated before it
}

// Package onnx runs a detection graph with onnxruntime, behind
// detector.Model.
//
// It owns finding and loading the shared library, reading a graph's inputs,
// outputs and metadata, and a session whose tensors are bound once, so that a
// run allocates nothing (unless the graph's outputs vary in size, as those
// with suppression inside do).
//
// It promises one clear *usage.Error for a missing library, a file that is
// not ONNX, and a graph that is no detector. What the outputs mean is left to
// package detector.
package onnx

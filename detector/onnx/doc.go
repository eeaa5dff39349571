// Package onnx runs a detection graph with onnxruntime, behind
// detector.Model.
//
// It owns finding and loading the shared library, reading a graph's inputs,
// outputs and metadata, and a session whose tensors are bound once, so that a
// run allocates nothing (unless the graph's outputs vary in size, as those
// with suppression inside do).
//
// The detector's picture, f32 [1,3,h,w], is turned into the graph's type (f32,
// f16, u8) and order of dimensions (NCHW, NHWC), and outputs of f16, f64 and i32
// into f32 and i64, in memory that is allocated once.
//
// It promises one clear *usage.Error for a missing library, a file that is
// not ONNX, weights in another file that is not there, elements of other types,
// and a graph that is no detector. What the outputs mean is left to package
// detector.
package onnx

// Package detector detects people, and other classes, in a frame.
//
//	frame ──letterbox──► input tensor ──Model──► output tensors ──decoder──► candidates ──NMS──► objects
//	BGR, 8 bits          f32 [1,3,h,w]           as the graph has them       input pixels        frame pixels
//
// It owns everything around the model: the letterbox (resize, pad, colour
// order, normalisation and layout in one pass), one decoder for each format of
// outputs in use, non-maximum suppression, and the way back to the frame's
// pixels. A Model is anything that turns an input tensor into output tensors;
// package detector/onnx has the real one.
//
// It promises boxes in the frame's pixels, clipped to it, by falling score,
// none of them NaN or empty, and no allocation a frame in the steady state. A
// Detector belongs to one goroutine at a time.
//
// How a graph is fed and read is recognised from its inputs, outputs and
// metadata, and from a description (model.yaml beside model.onnx), which counts
// more. A number of rows that is that of a grid's cells is a grid, whatever the
// columns. A graph that cannot be read right is an error of one line, when the model is
// opened (no picture as input, a batch of several, outputs of no known format, a
// task other than boxes, other numbers of classes and of names) or at the first
// frame (rows that are no such format's, scores that are no probabilities).
// Boxes in parts of the input are scaled; a pose's joints are passed over. Left
// out, with one warning, are values that are not finite; a class without a name
// is "class" and its number. Names are spelled as event.ClassName does.
//
// It leaves to others where frames come from (ingest) and which detections are the
// same person (detector/track).
package detector

// Package detector says who is in a frame.
//
//	frame ──letterbox──► input tensor ──Model──► output tensors ──decoder──► candidates ──NMS──► objects
//	BGR, 8 bits          f32 [1,3,h,w]           as the graph has them       input pixels        frame pixels
//
// It owns everything around the model: the letterbox (resize, pad, colour
// order, normalisation and layout in one pass), one decoder for each layout of
// outputs in use, non-maximum suppression, and the way back to the frame's
// pixels. A Model is anything that turns an input tensor into output tensors;
// package detector/onnx has the real one.
//
// It promises boxes in the frame's pixels, clipped to it, by falling score,
// none of them NaN or empty, and no allocation a frame in the steady state. A
// Detector belongs to one goroutine at a time.
//
// It leaves to others where frames come from (ingest) and who is the same
// person in the next one (detector/track).
package detector

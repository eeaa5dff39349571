// Package detect is the part of the pipeline that needs a camera and a model:
// it opens the sources, looks at their frames with one model that they share
// and writes one sighting a frame, and the crossings in it, to the log.
//
//	source ──► camera: worth a look? ──► eye: turn, model ──► scene: who, where ──► kafka.Writer
//	           (one goroutine a source, in order)
//
// A camera asks its source for a frame, waits for its turn, and sends the
// sighting. So a live source that is faster than the model gives its
// newest frame each time (ingest counts the dropped), a file waits, and a log
// that cannot be reached stops the camera here, where nothing is lost but live
// frames, which are counted.
package detect

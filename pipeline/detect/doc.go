// Package detect is the part of the pipeline that needs a camera and a model:
// it opens the sources, runs one model that they share on their frames
// and writes one sighting a frame, and the crossings and visits that it completes, to the
// log.
//
//	source ──► cameraLoop: wanted? ──► cameraDetector: turn, model ──► sceneState: tracks, zones ──► kafka.Writer
//	           (one goroutine a source, in order)
//
// A loop asks its source for a frame, waits for its turn, and sends the
// sighting. So a live source that is faster than the model gives its
// newest frame each time (ingest counts the dropped), a file waits, and a log
// that cannot be reached blocks the loop here, where only live frames are lost,
// which are counted.
package detect

// Package bench measures the whole pipeline: cameras, detector, log, sinks and tables.
//
// It is an open loop. Each frame is due at a moment that is known before the run
// (pipeline.Play), whether or not the frames before it are done, and that moment is its
// captured_at; so time that a frame waits because something is stalled is in its latency,
// and in that of all that were due meanwhile (no coordinated omission).
//
// Latencies are read from the tables after the run, where each sighting carries the times
// of its stages: nothing is measured twice, and a reader can compute them again. When a row
// is visible is asked by a session of its own (probe), because only the sink knows of the
// commit's acknowledgement. CPU time is the kernel's account of each process. No figure is
// returned unless every frame that was sent is a row, once and in order.
package bench

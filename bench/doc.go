// Package bench measures the whole pipeline: it plays a clip through the
// embedded pipeline, at its recorded pace unless told otherwise, and reports
// the latency from a frame grabbed to its row committed.
//
// Latency is read from the tables afterwards, where each sighting carries the
// times of its stages: so the figures are those that users get, and nothing is
// measured twice. CPU time is the kernel's account of this process and of all
// it started, the private PostgreSQL included.
package bench

// Package tracing records OpenTelemetry traces of sightings and sends them to a collector
// (OTLP over HTTP). A trace follows one frame:
//
//	frame                        grabbed … handed to the producer      detect
//	├── decode                   grabbed … decoded
//	├── infer                    decoded … objects known
//	└── sightings send           produced … acknowledged by the log
//	    └── sightings commit     fetched … committed to the tables     sink
//
// The record carries the context from one process to the other in its header traceparent
// (W3C Trace Context). A transaction of several records has a span of its own, in a trace of
// its own, which links to the sightings that are traced; so do they to it.
//
// The frames to trace are drawn in detect, by their share; the sink follows what the record
// says. A nil *Tracer traces nothing and allocates nothing. A collector that is slow or away
// costs traces, never frames: the queue is bounded, and what does not fit is dropped.
package tracing

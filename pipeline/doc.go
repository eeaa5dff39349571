// Package pipeline assembles the stages right of the detector and supervises
// those left of it. It needs neither camera nor model, so bin/sightlogd can
// have it; package pipeline/detect runs the readers and the detector.
//
//	run      ┌───────────── one process ─────────────┐
//	         │ bundled broker, private PostgreSQL,   │
//	         │ migrations, sinks                     │
//	         └──────────────▲────────────────────────┘
//	                        │ Kafka protocol on loopback
//	         ┌──────────────┴────────────────────────┐
//	         │ sightlog detect (a child, restarted): │
//	         │ readers → detector → producer         │
//	         └───────────────────────────────────────┘
//
// The data directory (DataDir) belongs to one process at a time. Stages stop
// in the order of the data: child, sinks, database, broker.
package pipeline

// Package event holds what sightlog writes to the log: the Sighting (what the
// detector says about one frame), the Crossing (somebody's way across a line)
// and the Run (one opening of one source), with their JSON encoding, schema
// version 1.
//
// It is a pure Go leaf: it knows neither cameras nor Kafka nor PostgreSQL.
//
// Two times of a frame are kept apart. CapturedAt is the event time and is
// never stamped again: for a file it is the run's start plus the frame's
// position, so a replay gives the same value; for a live source it is the
// arrival. GrabbedAt is the host's clock when the frame was in our hands:
// latency is counted from there.
//
// Names of classes have one spelling, that of ClassName; a decoded record has
// it, whatever its producer wrote.
package event

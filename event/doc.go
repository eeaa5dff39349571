// Package event holds the records that sightlog writes to the log: the Sighting (the
// detections of one frame), the Crossing (of a line by a tracked object), the Visit (of a
// zone by one), the Run (one opening of one source) and the Occupancy (people in a window
// of time), with their JSON encoding, schema version 1.
//
// It is a pure Go leaf: it knows neither cameras nor Kafka nor PostgreSQL.
//
// A frame has two times. CapturedAt is the event time and is
// never stamped again: for a file it is the run's start plus the frame's
// position, so reading it again gives the same value; for a live source it is the
// arrival. GrabbedAt is the host's clock when the frame was received:
// latency is counted from there.
//
// Names of classes have one spelling, that of ClassName; a decoded record has
// it, whatever its producer wrote.
//
// Caveats. A Sighting is the model's output, not the truth: a person may be missed
// or counted twice, and a score is no calibrated probability. TrackIDs are unique
// in a run only, and a person who was hidden for long gets another. A live source's
// CapturedAt is the arrival on this host, later than the exposure by the camera's
// own delay, and as right as the host's clock. Sequence numbers of a live run have
// gaps, where frames were dropped or skipped; DroppedBefore counts the dropped ones
// only. Records of different cameras have no order among each other.
package event

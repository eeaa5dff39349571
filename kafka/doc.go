// Package kafka turns configuration into franz-go clients and produces
// sightings with them. It speaks the Kafka protocol and nothing else, so the
// bundled broker and an Apache Kafka cluster are interchangeable by address.
//
// It owns the names of the topics, how they are made, and the two ways a
// source is produced:
//
//   - a file can be read again, so its run is resumed: records go out in
//     transactions under a transactional id of its camera. Opening it fences
//     a predecessor that may still be alive, and only then is the tail read,
//     so the topic itself holds each event once (KIP-98). A run that has ended is
//     not begun anew until its job has (EndJob): OpenFile returns *AtEndError.
//     A source that has grown meanwhile goes on with its run in both cases; one
//     that is another, or has another model, begins a new run, and it is logged.
//     A producer that the cluster fences because a transaction took too long is
//     told from one whose camera another has opened (KIP-360). A log that no
//     longer holds what it acknowledged ends the writer (ErrTailLost): the one
//     that is opened next reads the file again from there.
//   - a live source cannot be read again: records go out at once from one
//     idempotent producer, in order, and every opening is a new run.
//
// A writer whose records the log does not take, or not in time, keeps them, tries
// again for ever, and says so (Writer.Waiting).
//
// Reading the records is left to the sink.
package kafka

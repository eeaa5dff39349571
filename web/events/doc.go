// Package events sends what happens as server-sent events: sightings, crossings and visits, of whatever
// encoding, as the JSON that they are in the log, and what other packages publish (Source).
//
//	log ── one tail, while somebody listens ──┐
//	sources, while somebody listens ──────────┴─► hub ──► a bounded queue each ──► responses
//
// The tail reads committed records from the end that the log has when the first listener comes.
// The id of an event is the position in all partitions after it, so that a listener who comes
// again with it (Last-Event-ID) gets what it has missed, in the order of each camera, from the
// log: each event of a topic once. What was published is not kept.
//
// A listener that does not read is no brake: when its queue is full it gets the event dropped and
// its response ends. A position that the log does not have any more, or one too long ago, is
// answered with the event gap, and then with what happens now.
package events

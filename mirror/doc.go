// Package mirror copies topics from one Kafka-protocol cluster into another, exactly once:
// from the log of an edge box, the source, into that of the centre, the target.
//
//	source: sightings, runs … ─► poll ─► one transaction at the target ─► offsets of a group at the source
//	                                      │ the records: key, value, headers, timestamp
//	                                      └ mirror.positions: how far each partition was read
//
// # Exactly once
//
// The position of each partition, the offset that is read next, is a record of the
// compacted topic Positions at the target, in the transaction of the records before it
// (KIP-98). Opening a session fences the producer before, ends its transaction, and only
// then reads the positions. So records and positions are of one moment, whatever is killed,
// and they are in one log: a target that is put back to an older copy has the positions of
// that copy, and one that is empty has none and gets all that the source still has.
//
// The positions of a mirror have one key for each partition, below its identity: its group
// and the source's cluster id. A source that is set up anew is another one.
//
// # Order
//
// A record with a key goes to the partition of that key, as from any producer; one without,
// to the partition of its own number, modulo those that the target has. The records of a
// source partition are written in their order, so order per key is kept, whatever the
// number of partitions.
//
// # What the source holds
//
// The mirror commits what it has mirrored as the offsets of its group at the source, for
// lag, and names the group in retention.hold.groups of the topics (package broker): the
// source removes nothing that was not mirrored, and takes no more when it is full. With
// Config.Drop it does not: what retention removed first is passed over and counted. Topic
// snapshots, which is best effort everywhere, is never held.
//
// # Caveats
//
//   - Records that were one transaction at the source may be in two at the target: a
//     crossing may be there a moment after its sighting.
//   - A transaction that a mirror leaves open when its machine disappears holds up
//     read_committed readers of its partitions until the target aborts it after 30 s.
//   - Aborted records are left out, so offsets differ; log_partition and log_offset of a run are
//     those at the source.
//   - A source whose log is not the one that the target has the positions of, for example
//     an older copy, stops the mirror, until the right log is back or Config.Remirror says
//     to mirror those partitions from their beginning.
//   - A record that the target refuses, because it is larger than its max.message.bytes,
//     stops the mirror until that is larger.
//   - Two mirrors with the same group and source fence each other, until one finds that the
//     other has written and ends. Of two clusters that are mirrored into each other the second
//     mirror is refused by the positions that the first has written; a circle of three is not
//     noticed, and copies for ever: nothing marks what was mirrored.
//
// It leaves to others: clients and transactions (kafka), the records' content.
package mirror

// Package sink carries what is in the log into PostgreSQL, exactly once.
//
// Each consumer of the group runs one loop:
//
//	poll ─► decode ─► bury dead letters ─► one transaction ─► mark for the group
//	                                        │ advance offsets (fenced)
//	                                        │ sightings, detections, crossings, runs
//	                                        └ times of the batch before
//
// Offsets live in the database, in the transaction that writes the rows: one
// row for (cluster id, topic id, partition), moved only by who finds it where
// it left it. A consumer that finds it elsewhere lost the partition to another
// sink, rolls back and reads on from the row. The group's own offsets are
// committed afterwards, for lag only, and are never read.
//
// It promises:
//   - each event of the log is in the tables once, whatever is killed when;
//     the tables' primary keys hold a replay or a second broker to the same.
//   - a record that cannot be decoded, or that the database refuses for its
//     content (SQLSTATE class 22 or 23, found by bisecting), is acknowledged in
//     the topic of dead letters before the offset passes it: at least once
//     there, by its key "topic/partition/offset". A letter that would be too
//     large has the head of the value, its size and its hash.
//   - a batch that does not decompress, or to more than 64 MiB, is a dead letter
//     of its own, as it lies in the log. What is fetched and not written yet
//     stays below 64 MiB a consumer, or is one batch.
//   - a batch that arrives corrupt again and again stops its partition with one
//     line; Config.Skip goes on behind it, and makes it a dead letter.
//   - partitions that are added to a topic are read within seconds.
//   - faults of the database are waited out; nothing is lost or buried by them.
//   - a log that does not continue what the tables hold stops its partition with
//     one clear line, until a user chooses (Config.From) or the right log is back.
//   - a partition that is not written, because it is stopped or waits for a
//     fault to pass, or for whatever the client keeps to itself, has a
//     PartitionState with the reason (Blocked) and a metric until its offset
//     moves, it is assigned anew or it has nothing left.
//
// An offset belongs to one history of its log. Cluster and topic id stay the same
// when an older copy of a log is put back or its end is lost, so that the stored
// offset comes again with other records. Beside it the tables therefore keep the
// digest of the record before it and that record's leader epoch, and the log is
// compared with both (compare): when a partition is assigned, before the first
// write after each new connection, and every few seconds. Between two looks at
// one connection a broker cannot put another log in place; one that follows
// KIP-320 reports it, too. What cannot be told: where retention or compaction
// removed the record before the offset, only the leader epoch is compared, and a
// cluster whose own metadata were put back with the log may give one epoch twice
// (our broker does not: its epochs are times). Then the partition is read on. A
// topic that was deleted and made again has another id, and is read from its
// start. Tables of an older dump have older offsets, and are filled again.
//
// What a record says is stored as it is, or not at all. A dead letter, with its
// reason counted in rejected_total, is a record
//   - that does not decode, or says what cannot be: a score beyond 0 to 1, a box
//     whose edges are swapped, a time outside 1970 to 2199 (package event). A
//     captured_at far from today can be, on a host whose clock is wrong: its rows
//     lie in the default partition.
//   - whose key is not its camera (a run's: its id), and so is out of order. A
//     record without a key contradicts nothing.
//   - of an event that the tables hold (camera, run, seq, captured_at) with other
//     content: the first counts. The same content again changes nothing; the times
//     of the stages are no content. A crossing that comes again is the first one.
//   - that the database refuses, as a character its encoding does not have.
//
// It leaves to others: the schema (migrations), opening the database
// (postgres), producing (stream), and making topics (stream).
package sink

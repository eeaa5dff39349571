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
//     there, by its key "topic/partition/offset".
//   - faults of the database are waited out; nothing is lost or buried by them.
//   - an offset outside of the log stops its partition with one clear line.
//   - a partition that is not written, because it is stopped or waits for a
//     fault to pass, has a PartitionState with the reason (Blocked) and a metric
//     until its offset moves or it is assigned anew.
//
// It leaves to others: the schema (migrations), opening the database
// (postgres), producing (stream), and making topics (stream).
package sink

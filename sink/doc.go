// Package sink consumes the log's topics and writes their records into PostgreSQL,
// exactly once.
//
// Each consumer of the group runs one loop:
//
//	poll ─► decode ─► dead letters ─► one transaction ─► mark for the group
//	                                   │ advance offsets (checked)
//	                                   │ sightings, crossings, runs, and what they add to the totals
//	                                   └ times of the transaction before
//
// Offsets are stored in the database, in the transaction that writes the rows: one
// row for (cluster id, topic id, partition). A transaction advances it only from the
// offset that its consumer last stored or loaded; it fails when another sink has
// moved it. The consumer then rolls back and continues from the stored offset. The
// group's own offsets are committed afterwards, for lag only, and are never read.
//
// It promises:
//   - each event of the log is in the tables once, whatever is killed when;
//     the tables' primary keys hold a replay or a second broker to the same.
//   - the totals (camera_minutes, zone_minutes, crossing_minutes, tracks, visits,
//     latest_sightings) are those of the rows at every commit, and outlive them: a
//     frame is counted once, whether its row is there, was deleted or was never
//     written (camera_minutes.last_seq, Config.Store). Frames may come in any order, by producers
//     that retry or in two partitions: these add to paths, and move and join visits (late.go).
//   - with Config.Outbox, crossings and visits are in the table outbox, in the transaction of
//     their rows and as often as these: once.
//   - with Config.Watcher, what it writes is in that transaction, too.
//   - places (StorePlaces) and the rules of staff (StoreStaff) are stored whole or not at all;
//     they count and remove nothing.
//   - a recount (Recount) has the rows that a run with its zones and lines would have, in
//     tables of its own; it changes none of the others, and one that fails leaves nothing.
//   - rows older than Config.Keep are deleted, and no others: whole days of sightings by
//     dropping their partition, other rows in transactions of a few thousand. One sink
//     of any number does it. A drop makes others wait for half a second at most (those that
//     read the day itself, for two); while the table is read for long it is tried again
//     later (drop_day.go).
//   - a record that cannot be decoded, or that the database refuses for its
//     content (SQLSTATE class 22 or 23, found by bisecting), is acknowledged in
//     the dead-letter topic before the stored offset passes it: at least once
//     there, with the key "topic/partition/offset". A dead letter that would be too
//     large has the head of the value, its size and its hash.
//   - a batch that does not decompress, or to more than 64 MiB, is one dead letter
//     with the raw batch. The records that are fetched and not written yet take at
//     most 64 MiB a consumer, or are one batch.
//   - a batch that repeatedly arrives corrupt stops its partition with one log line;
//     Config.Skip makes it a dead letter and continues after it.
//   - partitions added to a topic are consumed within seconds.
//   - faults of the database are retried until they pass; they lose no record and
//     make none a dead letter.
//   - a log that does not continue the one that was stored stops its partition with
//     one log line, until a user chooses (Config.From) or the right log is back.
//   - a partition that is not written, because it is stopped, waits for a fault to
//     pass, or for a reason that the client does not report, has a PartitionState
//     with the reason (Blocked) and a metric until its offset advances, it is
//     assigned again or it has no records left.
//
// An offset belongs to one history of its log. Cluster and topic id stay the same
// when an older copy of a log is restored or its tail is lost, so that the stored
// offset occurs again with other records. So the tables also store the digest of the
// record before the offset and that record's leader epoch, and the log is compared
// with both (compare): when a partition is assigned, before the first write after
// each new connection, and every few seconds. A broker cannot replace its log under
// an open connection; one that implements KIP-320 reports it as well.
//
// # Caveats
//
// What the log has removed before it was written stops the partition, but of snapshots, which are best
// effort: there the sink goes on behind it (passExpired).
//
// If retention or compaction has removed the record before the offset, only
// the leader epoch is compared, and a cluster whose own metadata were restored with
// the log may assign an epoch twice (our broker does not: its epochs are times); the
// partition is then read on. A topic that was deleted and created again has another
// id, and is read from its start. Tables of an older dump have older offsets, and are
// filled again.
//
// A record is stored exactly as it is, or not at all. It becomes a dead letter, with
// its reason counted in rejected_total, if
//   - it does not decode, or has an impossible value: a score outside 0 to 1, a box
//     whose edges are swapped, a time outside 1970 to 2199 (package event). A
//     captured_at far from today is possible, on a host whose clock is wrong: such
//     rows are in the default partition. A sighting that is ahead of the clock is the
//     latest of its camera only while there is no other.
//   - its key is not its camera (of a run: its id), so that it is out of order. A
//     record without a key is accepted.
//   - the tables have the same event (camera, run, seq, captured_at) with other
//     content: the first one counts. The same content again changes nothing; the
//     times of the stages do not count as content. A second crossing with the same
//     key is ignored.
//   - the database refuses it, for example a character that its encoding lacks.
//
// Retention counts from captured_at; for the run of a file from its end, where that is
// later, and not at all while it is open: an old recording that is processed today is
// new. Sightings of which the totals have counted the frames before, and which may be
// gone (from before cameras.complete_from), only advance the offset when the log is read
// again. To know them, frames of a run have to come in the order of their seq, as they
// do in a topic whose key is the camera: one that comes late, within the minute of
// frames that came before it, is taken for repeated if it is from before complete_from,
// with StorePeople and StoreTracks at any time.
//
// # Files
//
// No file uses one above it. From top to bottom:
//   - beside a run: replay (fills tables from the log), prove (compares both), recount and
//     recount_tables (count the rows again with other zones and lines), places (the lines
//     that count into them), staff (its rules), timezone, horizon (the time up to which the tables
//     hold the log);
//   - the run: run, loop (one consumer), recheck, watch, skip_batch, faults;
//   - the offsets: from_apply, offsets, history, log_state;
//   - a transaction: write, repeated, dead_letter, transact, watcher, copy, outbox, collect, retry, pause;
//   - retention: retention, drop_day, delete_rows;
//   - the types whose methods these are: consumer, sink;
//   - what they use: id_cache, day_partitions, expand (batches, within bounds), error_class;
//   - a user's choices: from, keep, skip, store;
//   - the values: rows, tables, totals, late (what late detections change), columns, binary, records,
//     position, state, metrics.
//
// It leaves to others: the schema (migrations), opening the database (postgres),
// producing and creating topics (kafka).
package sink

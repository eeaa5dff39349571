// Package storage keeps the broker's logs and its small tables on one disk.
//
// It owns a data directory: partition logs (segments of Kafka v2 record
// batches, byte for byte as they go over the wire), a two-level table of small
// values (topics, committed offsets, transactions, ...), and the journal that
// makes both durable together.
//
//	Submit ──► committer ──► journal (one write, one fdatasync) ──► apply ──► done
//	                                                                 │
//	                         segments, table  ◄──────────────────────┘
//	                             │
//	              checkpoint: sync segments, write state, free the journal
//
// Bulk (512 KiB or more for one log in one group) is written to its segment and
// synced first, and the journal takes the batches' headers alone.
//
// What it promises:
//
//   - a Commit that returned nil is on disk, under FlushAlways, whole: all of
//     its appends and table writes survive a crash or none does;
//   - one fdatasync serves every Commit that waits, whatever the number of
//     logs they write to (but for bulk: one more for each log that has it);
//   - opening after a crash reads the last checkpoint and the journal after it,
//     never the whole log;
//   - an fdatasync that fails is never retried: the store refuses writes from
//     then on and keeps serving reads;
//   - a disk that is full refuses writes and takes them again when it has room.
//
// It leaves to others: what topics, groups and transactions mean, who may
// write, and every byte of the protocol but the record batch. FORMAT.md
// describes the files and argues why a crash cannot break the promises.
package storage

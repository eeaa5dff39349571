// Package storage stores the broker's partition logs and its metadata on one
// disk.
//
// It owns a data directory: partition logs (segments of Kafka v2 record
// batches, byte for byte as they go over the wire), a metadata store of small
// values by bucket and key (topics, committed offsets, transactions, ...), and
// the journal, a write-ahead log that makes both durable together.
//
//	Submit ──► committer ──► journal (one write, one fdatasync) ──► apply ──► done
//	                                                                 │
//	                         segments, table  ◄──────────────────────┘
//	                             │
//	              checkpoint: sync segments, write state, free the journal
//
// Large appends (512 KiB or more for one log in one commit group) are direct
// writes: the batches are written to their segment and synced first, and the
// journal stores only their headers.
//
// What it promises:
//
//   - a Commit whose Wait returned nil is on disk, under FlushAlways, and atomic:
//     after a crash all of its appends and metadata writes are present, or none;
//   - one fdatasync serves every waiting Commit, whatever the number of logs they
//     write to (a direct write costs one more for each log);
//   - opening after a crash reads the last checkpoint and the journal after it,
//     never a whole log;
//   - an fdatasync that failed is never retried: from then on the store refuses
//     writes and continues to serve reads;
//   - a full disk refuses writes; they succeed again when it has space.
//
// It does not promise: durability of the last commits under FlushInterval and
// FlushOS; detection of bits that flip in a segment at rest (batches carry their
// CRC to the consumer, which checks it); fairness between commits.
//
// Not its business: the meaning of topics, consumer groups and transactions,
// access control, and every part of the protocol except the record batch.
// FORMAT.md describes the files and argues why a crash cannot break the promises.
//
// # Goroutines
//
// The committer (committer.run) is the only writer of logs, metadata and journal. A
// checkpoint writes its files in a goroutine of its own; there is one at a time.
// Compaction runs in its caller's goroutine and changes the log through a Commit.
// Readers run anywhere.
//
// # Lock order
//
// A goroutine that holds one of these takes only locks further down:
//
//	Store.logsMu      the set of logs
//	Log.mu            a log's segments, offsets, transactions and producers
//	segment.filesMu   keeps a segment's files open (read lock) while they are used
//	segment.openMu    opening the files
//	segment.idxMu     the index
//	segment.syncMu    one fdatasync of a segment at a time, and its error
//
// Store.queueMu, failMu, dirMu, refusal.mu and table.mu are taken alone. No lock
// but filesMu, openMu, syncMu and dirMu is held during disk I/O.
package storage

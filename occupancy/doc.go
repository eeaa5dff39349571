// Package occupancy computes how many people a camera sees in windows of time, from the
// topic of sightings to a topic of its own, exactly once.
//
//	sightings ─► poll ─► count in panes ─► windows that are complete ─┐
//	                                                                  ├─► one transaction
//	occupancy.state ─► states, when a partition is assigned           │    occupancy: the windows
//	                                                                  │    occupancy.state: the cameras' states
//	                                                                  └    the group's offsets of sightings
//
// A record (event.Occupancy) has the totals of one camera, run, window and zone. They are
// those of the sink's views: with windows of a minute a record is a row of v_minutes, or of
// v_zone_minutes.
//
// # Windows
//
// Time is that of the events (captured_at), and windows are aligned to the epoch in UTC.
// The watermark of a run is its greatest captured_at. A window is emitted when the
// watermark has passed its end by Grace; when another run of its camera begins; and when
// nothing has come for the camera for Idle and its partition has been read to the end.
// Frames that come later are in no window; they are counted in the camera's next record.
//
// Frames of a run are recognised by their seq when they come again, if they are among the
// newest 1024 of their run; older ones are taken for late.
//
// # Exactly once
//
// Each transaction has the records, the changed states and the offsets (KIP-98), and the
// group's coordinator refuses the offsets of a member whose generation is over (KIP-447).
// So records, states and offsets are always of one moment, whatever is killed, and of one
// member. A member with new partitions gets their offsets when no transaction on them is
// open, and then reads the states up to the end of the partition with the same number. The
// windows of idle cameras are a transaction without input: it commits the present offset
// again, because only that request is checked.
//
// The state is in a compacted topic. Alternatives:
//   - in the metadata of the committed offset: the coordinator bounds it to 4 KiB a
//     partition (offset.metadata.max.bytes), less than the zones of one camera take;
//   - nowhere, reading the open windows' sightings again: an offset commits a position,
//     not the windows that were emitted before it, which depend on when a camera was idle;
//     and the sightings of a window of a day may have expired;
//   - on the local disk: lost with the machine, and not moved with a partition.
//
// # Bounds
//
// A camera's state has at most 8 runs, each with at most 122 panes of at most 256 zones (of
// about 100 bytes each) and of one bit a second: with windows of a minute and five zones,
// some 3 KiB. The state of a camera is kept for good. A transaction has at most MaxRecords
// sightings and what they complete. A partition's states are read from at most the closed
// and compacted segments and 16 MiB.
//
// # Caveats
//
// A run with a captured_at in the future moves its watermark there, and its frames are
// late until then. A file that is resumed after Idle has late frames of the window in
// which it was interrupted. Runs that are not among a camera's newest 8 are recognised by
// their id, if that is a UUIDv7. Records that do not decode, or whose key is not their
// camera, are skipped and counted: the sink makes them dead letters.
//
// It leaves to others: the record's form (event), clients and reading topics (kafka).
package occupancy

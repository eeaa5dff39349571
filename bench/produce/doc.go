// Package produce measures a Kafka broker alone: producers send records to a topic of its
// own, at a rate whatever the broker answers (open loop) or each after the acknowledgement
// of an earlier one (closed loop), and the disk is measured in the same run (bench/disk).
//
// In an open loop a record's latency counts from when it was due, not from when it was
// sent: a broker that stalls delays all records that were due meanwhile, and each of them
// shows it (no coordinated omission). How late the producers themselves were is a figure of
// its own.
//
// The topic is then read from its beginning. Figures are returned only if each record
// that was acknowledged is there once, and those of a producer are in order within their
// partition.
package produce

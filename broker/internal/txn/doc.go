// Package txn coordinates transactions (KIP-98, KIP-447, KIP-890). For each
// transactional id it has the current producer, and the partitions and offsets of its
// transaction, and it ends the transaction.
//
// It owns the bucket rows.Txns and the producer ids. It promises that a transaction
// ends completely or not at all: markers, offsets and the coordinator's state are one
// commit of the store. A client learns a producer id or epoch only when it is durable.
//
// It leaves to its caller access control, the names of topics, and the protocol's
// versions.
//
// # Lock order
//
// Coordinator.mu is released before a Txn is locked. Under a Txn's mu, producerIDs.mu
// may be taken. None is held while the disk is waited for: commits are submitted under
// the Txn's lock, so that they are in the order of its states, and waited for after it.
package txn

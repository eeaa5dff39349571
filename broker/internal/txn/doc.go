// Package txn coordinates transactions: it knows which producer may write under a
// transactional id, which partitions and offsets its transaction has, and ends it.
//
// It owns the buckets rows.Txns and the producer ids. It promises that a transaction
// ends whole: markers, offsets and its own state are one commit of the store (see
// Coordinator), and that an id or epoch is told to a client only when it is durable.
//
// It leaves to its caller access control, the names of topics, and the protocol.
package txn

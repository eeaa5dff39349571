// Package broker is a single-node broker that speaks the Kafka protocol.
//
// It owns connections, the protocol (one wire API a file, named for it), topics
// and their settings, consumer groups, and the coordination of transactions.
//
//	accept ──► connection ──► api handler ──► log, group, transaction
//	              reader        (in order)        │ storage.Commit
//	              writer ◄─── replies, in order ──┘ durable, then answered
//
// A connection has two goroutines. The reader decodes a request and runs its
// handler, which does what must happen in order and returns a reply; the
// writer runs the replies one after the other: a reply may wait, for the disk,
// for records, for a group. So a client's pipelined requests are taken in
// order, share group commits and are answered in order.
//
// It promises what Kafka promises of a cluster of one node with acks=all,
// and more: what was acknowledged is on disk. Each start of the broker is a
// leader epoch of every partition. By these, clients that follow KIP-320 find
// out that the log lost a tail that they read, or that an older copy was put
// back. It advertises just the APIs and versions that it serves.
//
// Memory that clients take is bounded before it is given (budget.go): a request
// takes it as its bytes come, an answer as much as leaves something for others,
// one address at most half. A client has a minimum rate for what it sends and a
// time to take what it asked for, and is cut when it does not keep them.
//
// It leaves to package storage everything on disk, and to clients everything
// inside a record: batches are stored as they come and never decompressed on
// the way through, but for compacted topics and where a batch might become more
// than 64 times its topic's max.message.bytes, which is refused.
//
// What would not take effect is refused: quotas by client (limits are those of
// Config), replicas on other nodes, levels of features other than its own,
// settings of the broker (flags of its start). Not served at all are share
// groups, delegation tokens, clients' telemetry, and what only the nodes of a
// cluster ask of each other.
package broker

// Package broker is a single-node broker that speaks the Kafka protocol.
//
// It owns the listener, the topics and their settings, and the APIs that it serves: a
// file for each, api_NAME.go, with its key, versions, request schema and handler.
//
//	accept ──► wire.Conn ──► session ──► api handler ──► topics, storage.Commit
//	              reader      (in order)      │          internal/group, txn, auth, quota
//	              writer ◄── replies, in order┘ durable, then answered
//
// A connection has two goroutines. The reader decodes a request and runs its handler,
// which does what has to happen in order and returns a reply. The writer calls the
// replies one after the other: a reply may wait, for the disk, for records or for a
// group. So a client's pipelined requests are handled in order, share group commits and
// are answered in order.
//
// What it promises: the semantics of a Kafka cluster of one node with acks=all, and that
// an acknowledged write is on disk (under storage.FlushAlways). Each start of the broker
// is a leader epoch of every partition. By these, clients that follow KIP-320 detect
// that the log lost a tail that they read, or that an older copy was put back. Only the
// APIs and versions that it serves are advertised.
//
// The memory of clients is bounded before it is allocated (wire.Budget): a request takes
// it as its bytes arrive, a response in proportion to the memory that is free, and one
// address at most half. A client has a minimum rate for its requests and a time limit for
// taking its responses; a connection that misses them is closed.
//
// Records of a Fetch are copied: from the file into a buffer, from there into the encoded
// response, which a claim for twice their size covers until it was written. So all responses
// together hold at most Config.MaxInFlightBytes, and one connection a quarter of that,
// however slowly clients read. docs/decisions/fetch.md has why they are not written from
// the file (sendfile), and what it would save.
//
// It leaves everything on disk to package storage, and the content of records to clients:
// batches are stored as they arrive. They are decompressed only for compacted topics, for
// those with a compression.type of their own, and if they might expand to more than 64 times
// their topic's max.message.bytes, which is refused.
//
// # Caveats
//
// The broker does not promise:
//
//   - availability: there are no replicas, and a broker that is down serves nothing;
//   - membership over a restart: groups rebalance, because members and generations are
//     in memory; committed offsets and open transactions are on disk; a group without
//     members is of the classic protocol then;
//   - fetch sessions, down-conversion of batches, feature levels other than its own, or
//     replicas on other nodes: requests for these are refused, or answered as KIP-227 allows;
//   - quotas of new topics or connections, only of bytes and of the time of requests;
//   - changes of its own settings over the protocol, except those that are the defaults
//     of topics (log.retention.ms and so on) and the levels of its loggers: the others are
//     given when it starts;
//   - that a topic that Metadata creates is answered with UNKNOWN_TOPIC_OR_PARTITION
//     first, as by Kafka: it is there when the answer is sent;
//   - topics with committed offsets and transactions in Kafka's formats: __consumer_offsets and
//     __transaction_state do not exist, and the admin APIs alone show what these have;
//   - share groups, delegation tokens, client telemetry, and the APIs that the nodes of a
//     cluster use among each other: these are not implemented;
//   - that topic settings marked "no effect" in topic_settings.go do anything: they are
//     stored and described;
//   - that a removed access rule, or user, ends connections that exist.
//
// # Lock order
//
// A goroutine that holds one of these takes only locks further down. Handlers hold none
// while they wait for the disk, except topics.changeMu, groupConfigs.changeMu and those of
// auth's ACLs and quota's Quotas, which serialise rare administrative changes.
//
//	topics.changeMu          topics, partitions and settings change one at a time
//	group.Coordinator.mu     the set of groups; then a group's mu
//	txn: a Txn's mu          a transactional id; then producerIDs.mu
//	topics.mu                the set of topics
//	auth.ACLs.changeMu, .mu  access rules
//	Broker.decompressing     one batch is decompressed at a time
//	storage's locks          see package storage
//
// groupConfigs.changeMu and quota.Quotas.changeMu are taken before storage's locks alone.
// Broker.connsMu, quota.Quotas.mu, wire.Budget's mu and timer.Set's mu are taken alone.
package broker

// Package quota limits how much clients send, receive and have the broker compute, by user
// and client id (KIP-13, KIP-124), and says for how long one that took more has to wait.
//
// It owns the bucket rows.Quotas. A limit is one of an Entity: a user, a client id, a client
// id of a user, or the default of any of these. Of those that a client meets, Kafka's order
// decides: user and client id before the user, that before the client id; a name before the
// default. The clients of one entity share its limit; of a default each has its own.
//
// Each limit is a bucket that holds what it allows in a second, and that fills as time
// passes. What is more than it holds is let through, owed, and waited for: the broker answers
// at once with the time in throttle_time_ms, and reads no further request of that connection
// until then (KIP-219).
//
// It does not promise limits of new topics (controller_mutation_rate) nor of new connections
// (connection_creation_rate): setting one is refused.
package quota

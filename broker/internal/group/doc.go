// Package group coordinates consumer groups: the classic protocol, in which a member
// of the group assigns the partitions, and the consumer protocol (KIP-848), in which
// the coordinator does.
//
//	request ──► Coordinator ──► classicGroup  (coordinator.go, classic_*.go)
//	                       ├──► consumerGroup (consumer_*.go, assignors.go)
//	                       └──► offsets in the store (offsets.go, deletion.go)
//
// It owns members, generations and assignments, which are in memory: after a restart
// members are unknown and join again. It owns the groups' committed offsets, which
// the store has.
//
// It leaves to its caller access control, the existence of topics, and the protocol's
// versions.
//
// # Lock order
//
// Coordinator.mu, then a group's mu; Options.Topics is called with a group locked.
// Neither is held while the disk is waited for: a commit is submitted under the
// group's lock, so that commits are in the order of the group's states, and waited for
// after it.
package group

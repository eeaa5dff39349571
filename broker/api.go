package broker

import (
	"github.com/sightlog/sightlog/broker/internal/group"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// api is an API of the protocol, in the versions that are served. Each stands as one
// value in the file of its handler, and once in the list of apis. A request is checked
// against the schema before it is decoded.
type api struct {
	key, min, max int16
	handler       handler
	schema        wire.Schema
}

// handler does what has to happen in a connection's order. It runs in the
// connection's reader, so it must not wait for long.
type handler func(*Broker, *caller, kmsg.Request) reply

// reply returns the response: see wire.Reply.
type reply = wire.Reply

// immediate returns a reply that does not wait.
func immediate(r kmsg.Response) reply { return func() kmsg.Response { return r } }

// caller is the sender of a request.
type caller struct {
	ctx      context.Context
	session  *session
	clientID string
}

// handle is the handler of a function that answers at once.
func handle[R kmsg.Request](f func(*Broker, *caller, R) kmsg.Response) handler {
	return func(b *Broker, c *caller, req kmsg.Request) reply { return immediate(f(b, c, req.(R))) }
}

// handleDeferred is the handler of a function whose answer may wait.
func handleDeferred[R kmsg.Request](f func(*Broker, *caller, R) reply) handler {
	return func(b *Broker, c *caller, req kmsg.Request) reply { return f(b, c, req.(R)) }
}

// apis returns the APIs that are served, by key. ApiVersions advertises these.
func apis() map[int16]api {
	served := map[int16]api{}
	for _, a := range []api{
		produceAPI,
		fetchAPI,
		listOffsetsAPI,
		metadataAPI,
		offsetCommitAPI,
		offsetFetchAPI,
		findCoordinatorAPI,
		joinGroupAPI,
		heartbeatAPI,
		leaveGroupAPI,
		syncGroupAPI,
		describeGroupsAPI,
		listGroupsAPI,
		saslHandshakeAPI,
		apiVersionsAPI,
		createTopicsAPI,
		deleteTopicsAPI,
		deleteRecordsAPI,
		initProducerIDAPI,
		offsetForLeaderEpochAPI,
		addPartitionsToTxnAPI,
		addOffsetsToTxnAPI,
		endTxnAPI,
		writeTxnMarkersAPI,
		txnOffsetCommitAPI,
		describeACLsAPI,
		createACLsAPI,
		deleteACLsAPI,
		describeConfigsAPI,
		alterConfigsAPI,
		alterReplicaLogDirsAPI,
		describeLogDirsAPI,
		saslAuthenticateAPI,
		createPartitionsAPI,
		deleteGroupsAPI,
		electLeadersAPI,
		incrementalAlterConfigsAPI,
		alterPartitionReassignmentsAPI,
		listPartitionReassignmentsAPI,
		offsetDeleteAPI,
		describeClientQuotasAPI,
		alterClientQuotasAPI,
		describeSCRAMAPI,
		alterSCRAMAPI,
		updateFeaturesAPI,
		describeClusterAPI,
		describeProducersAPI,
		describeTransactionsAPI,
		listTransactionsAPI,
		consumerGroupHeartbeatAPI,
		consumerGroupDescribeAPI,
		describeTopicPartitionsAPI,
	} {
		served[a.key] = a
	}
	return served
}

// user returns the name of the caller.
func (c *caller) user() string { return c.session.auth.User() }

// host returns the caller's address as groups describe it.
func (c *caller) host() string { return c.session.conn.Host() }

// client is the caller as groups know it.
func (c *caller) client() group.Client { return group.Client{ID: c.clientID, Host: c.host()} }

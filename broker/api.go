package broker

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// api is one key of the protocol as it is served.
type api struct {
	min, max int16
	serve    handler
	shape    Schema
}

// handler does what must happen in a connection's order. It runs in the
// connection's reader, so that it must not wait for long.
type handler func(*Broker, *caller, kmsg.Request) reply

// reply makes the response. It runs in the connection's writer and may wait,
// but not beyond the end of the caller's context. nil sends nothing.
type reply func() kmsg.Response

// caller is who sent a request.
type caller struct {
	ctx      context.Context
	conn     *conn
	clientID string
}

// now is a reply that is there already.
func immediate(r kmsg.Response) reply { return func() kmsg.Response { return r } }

// serve makes an api of a handler that answers at once.
func serve[R kmsg.Request](min, max int16, f func(*Broker, *caller, R) kmsg.Response) api {
	return api{min: min, max: max, serve: func(b *Broker, c *caller, req kmsg.Request) reply { return immediate(f(b, c, req.(R))) }}
}

// serveLater makes an api of a handler whose answer waits.
func serveLater[R kmsg.Request](min, max int16, f func(*Broker, *caller, R) reply) api {
	return api{min: min, max: max, serve: func(b *Broker, c *caller, req kmsg.Request) reply { return f(b, c, req.(R)) }}
}

// apis returns what is served; ApiVersions advertises just this.
func apis() map[int16]api {
	served := map[int16]api{
		0:  serveLater(0, 13, (*Broker).produce),
		1:  serveLater(4, 18, (*Broker).fetch),
		2:  serve(1, 11, (*Broker).listOffsets),
		3:  serve(0, 13, (*Broker).metadata),
		8:  serveLater(1, 10, (*Broker).offsetCommit),
		9:  serve(1, 10, (*Broker).offsetFetch),
		10: serve(0, 6, (*Broker).findCoordinator),
		11: serveLater(0, 9, (*Broker).joinGroup),
		12: serve(0, 4, (*Broker).heartbeat),
		13: serve(0, 5, (*Broker).leaveGroup),
		14: serveLater(0, 5, (*Broker).syncGroup),
		15: serve(0, 6, (*Broker).describeGroups),
		16: serve(0, 5, (*Broker).listGroups),
		17: serve(0, 1, (*Broker).saslHandshake),
		18: serve(0, 4, (*Broker).apiVersions),
		19: serve(0, 7, (*Broker).createTopics),
		20: serve(0, 6, (*Broker).deleteTopics),
		21: serve(0, 2, (*Broker).deleteRecords),
		22: serveLater(0, 5, (*Broker).initProducerID),
		23: serve(0, 4, (*Broker).offsetForLeaderEpoch),
		24: serve(0, 5, (*Broker).addPartitionsToTxn),
		25: serve(0, 4, (*Broker).addOffsetsToTxn),
		26: serveLater(0, 5, (*Broker).endTxn),
		27: serveLater(1, 2, (*Broker).writeTxnMarkers),
		28: serveLater(0, 5, (*Broker).txnOffsetCommit),
		29: serve(0, 3, (*Broker).describeACLs),
		30: serve(0, 3, (*Broker).createACLs),
		31: serve(0, 3, (*Broker).deleteACLs),
		32: serve(0, 4, (*Broker).describeConfigs),
		33: serve(0, 2, (*Broker).alterConfigs),
		34: serve(1, 2, (*Broker).alterReplicaLogDirs),
		35: serve(0, 4, (*Broker).describeLogDirs),
		36: serve(0, 2, (*Broker).saslAuthenticate),
		37: serve(0, 3, (*Broker).createPartitions),
		42: serve(0, 3, (*Broker).deleteGroups),
		43: serve(0, 2, (*Broker).electLeaders),
		44: serve(0, 1, (*Broker).incrementalAlterConfigs),
		45: serve(0, 1, (*Broker).alterPartitionReassignments),
		46: serve(0, 0, (*Broker).listPartitionReassignments),
		47: serve(0, 0, (*Broker).offsetDelete),
		48: serve(0, 1, (*Broker).describeClientQuotas),
		49: serve(0, 1, (*Broker).alterClientQuotas),
		50: serve(0, 0, (*Broker).describeSCRAM),
		51: serve(0, 0, (*Broker).alterSCRAM),
		57: serve(0, 2, (*Broker).updateFeatures),
		60: serve(0, 2, (*Broker).describeCluster),
		61: serve(0, 0, (*Broker).describeProducers),
		65: serve(0, 0, (*Broker).describeTransactions),
		66: serve(0, 2, (*Broker).listTransactions),
		68: serve(0, 1, (*Broker).consumerGroupHeartbeat),
		69: serve(0, 1, (*Broker).consumerGroupDescribe),
		75: serve(0, 0, (*Broker).describeTopicPartitions),
	}
	shapes := shapes()
	for key, a := range served {
		a.shape = shapes[key]
		served[key] = a
	}
	return served
}

// user returns the name of the caller.
func (c *caller) user() string { return c.conn.auth.User() }

// host returns the caller's address as groups describe it.
func (c *caller) host() string { return c.conn.host }

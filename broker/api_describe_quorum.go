package broker

import (
	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadataTopic is the topic of a KRaft quorum's log, as requests name it.
const metadataTopic = "__cluster_metadata"

// describeQuorumAPI serves DescribeQuorum (KIP-595, KIP-836).
//
// The quorum is this node alone. Its metadata is in the store and has no offsets: the
// high watermark is the store's epoch, which grows with each start, as does the leader's.
var describeQuorumAPI = api{
	key: 55, min: 0, max: 2,
	handler: handle((*Broker).describeQuorum),
	schema:  wire.Schema{wire.List(wire.String, wire.List(wire.Int32))},
}

func (b *Broker) describeQuorum(c *caller, req *kmsg.DescribeQuorumRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
	resp.Topics = []kmsg.DescribeQuorumResponseTopic{}
	if err := b.authorize(c, opDescribe, resourceCluster, auth.ClusterName); err != nil {
		resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
		return resp
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		st := kmsg.NewDescribeQuorumResponseTopic()
		st.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			sp := kmsg.NewDescribeQuorumResponseTopicPartition()
			sp.Partition = rp.Partition
			if rt.Topic != metadataTopic || rp.Partition != 0 {
				sp.ErrorCode, sp.ErrorMessage = kerr.UnknownTopicOrPartition.Code, wire.Message(kerr.UnknownTopicOrPartition)
				st.Partitions = append(st.Partitions, sp)
				continue
			}
			voter := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
			voter.ReplicaID, voter.LogEndOffset = b.cfg.NodeID, int64(b.store.Epoch())
			sp.LeaderID, sp.LeaderEpoch, sp.HighWatermark = b.cfg.NodeID, b.store.Epoch(), voter.LogEndOffset
			sp.CurrentVoters = []kmsg.DescribeQuorumResponseTopicPartitionReplicaState{voter}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	node := kmsg.NewDescribeQuorumResponseNode()
	node.NodeID = b.cfg.NodeID
	resp.Nodes = []kmsg.DescribeQuorumResponseNode{node}
	return resp
}

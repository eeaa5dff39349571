package broker

import (
	"math"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeTopicPartitionsAPI serves DescribeTopicPartitions (KIP-966).
var describeTopicPartitionsAPI = api{
	key: 75, min: 0, max: 0,
	handler: handle((*Broker).describeTopicPartitions),
	schema:  wire.Schema{wire.List(wire.String), wire.Int32, wire.Optional(wire.String, wire.Int32)},
}

func (b *Broker) describeTopicPartitions(c *caller, req *kmsg.DescribeTopicPartitionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	names := make([]string, 0, len(req.Topics))
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	all := len(names) == 0
	if all {
		for _, t := range b.topics.all() {
			names = append(names, t.name)
		}
	}
	slices.Sort(names)
	from := int32(0)
	if req.Cursor != nil {
		i, _ := slices.BinarySearch(names, req.Cursor.Topic)
		names = names[i:]
		if len(names) > 0 && names[0] == req.Cursor.Topic {
			from = max(0, req.Cursor.Partition)
		}
	}
	left := min(max(1, req.ResponsePartitionLimit), 2000)
	for _, name := range slices.Compact(names) {
		st := kmsg.NewDescribeTopicPartitionsResponseTopic()
		st.Topic, st.AuthorizedOperations = new(name), math.MinInt32
		t := b.topics.byName(name)
		switch {
		case !b.allowed(c, opDescribe, resourceTopic, name):
			if all {
				continue
			}
			st.ErrorCode = kerr.TopicAuthorizationFailed.Code
		case t == nil:
			st.ErrorCode = kerr.UnknownTopicOrPartition.Code
		default:
			st.TopicID = t.id
			st.AuthorizedOperations = b.operations(c, true, resourceTopic, name)
			for _, p := range t.partitions() {
				if p.index < from {
					continue
				}
				if left == 0 {
					resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseNextCursor{Topic: name, Partition: p.index}
					resp.Topics = append(resp.Topics, st)
					return resp
				}
				left--
				sp := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
				sp.Partition, sp.LeaderID, sp.LeaderEpoch = p.index, b.cfg.NodeID, b.store.Epoch()
				sp.Replicas, sp.ISR = []int32{b.cfg.NodeID}, []int32{b.cfg.NodeID}
				sp.EligibleLeaderReplicas, sp.LastKnownELR = []int32{}, []int32{} // null upsets Java's admin client
				st.Partitions = append(st.Partitions, sp)
			}
		}
		from = 0
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

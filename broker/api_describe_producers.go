package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeProducersAPI serves DescribeProducers.
var describeProducersAPI = api{
	key: 61, min: 0, max: 0,
	handler: handle((*Broker).describeProducers),
	schema:  wire.Schema{wire.List(wire.String, wire.Int32s)},
}

func (b *Broker) describeProducers(c *caller, req *kmsg.DescribeProducersRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.byName(rt.Topic)
		denied := b.authorize(c, opRead, resourceTopic, rt.Topic)
		st := kmsg.NewDescribeProducersResponseTopic()
		st.Topic = rt.Topic
		for _, partition := range rt.Partitions {
			sp := kmsg.NewDescribeProducersResponseTopicPartition()
			sp.Partition = partition
			switch {
			case denied != nil:
				sp.ErrorCode = wire.Code(denied)
			case t == nil || t.partition(partition) == nil:
				sp.ErrorCode = kerr.UnknownTopicOrPartition.Code
			default:
				for _, p := range t.partition(partition).log.Producers() {
					sa := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
					sa.ProducerID, sa.ProducerEpoch, sa.LastSequence = p.ProducerID, int32(p.Epoch), p.LastSequence
					sa.CoordinatorEpoch = -1 // not stored
					sa.LastTimestamp, sa.CurrentTxnStartOffset = p.LastTime, p.TxnStart
					sp.ActiveProducers = append(sp.ActiveProducers, sa)
				}
			}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

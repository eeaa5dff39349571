package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetForLeaderEpochAPI serves OffsetForLeaderEpoch.
//
// Each start of the broker is an epoch of every partition. The response has the largest
// epoch, up to the requested one, of which the log has records, and its end offset. A
// client that has read beyond that offset has read records that the log lost (KIP-320).
var offsetForLeaderEpochAPI = api{
	key: 23, min: 0, max: 4,
	handler: handle((*Broker).offsetForLeaderEpoch),
	schema:  wire.Schema{wire.Int32.Since(3), wire.List(wire.String, wire.List(wire.Int32, wire.Int32.Since(2), wire.Int32))},
}

func (b *Broker) offsetForLeaderEpoch(c *caller, req *kmsg.OffsetForLeaderEpochRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.byName(rt.Topic)
		st := kmsg.NewOffsetForLeaderEpochResponseTopic()
		st.Topic = rt.Topic
		for j := range rt.Partitions {
			rp := &rt.Partitions[j]
			sp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			sp.Partition, sp.LeaderEpoch, sp.EndOffset = rp.Partition, -1, -1
			if t == nil || t.partition(rp.Partition) == nil {
				sp.ErrorCode = kerr.UnknownTopicOrPartition.Code
			} else if err := b.authorize(c, opDescribe, resourceTopic, t.name); err != nil {
				sp.ErrorCode = wire.Code(err)
			} else if err := b.checkEpoch(rp.CurrentLeaderEpoch); err != nil {
				sp.ErrorCode = wire.Code(err)
			} else {
				sp.LeaderEpoch, sp.EndOffset = t.partition(rp.Partition).log.EndOfEpoch(rp.LeaderEpoch, b.store.Epoch())
			}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

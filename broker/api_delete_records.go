package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deleteRecordsAPI serves DeleteRecords.
//
// Records before the offset can no longer be read. A segment is removed from disk when
// all of its records are before it. Compacted topics refuse the request, as in Kafka.
var deleteRecordsAPI = api{
	key: 21, min: 0, max: 2,
	handler: handle((*Broker).deleteRecords),
	schema:  wire.Schema{wire.List(wire.String, wire.List(wire.Int32, wire.Int64)), wire.Int32},
}

func (b *Broker) deleteRecords(c *caller, req *kmsg.DeleteRecordsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteRecordsResponse)
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.byName(rt.Topic)
		st := kmsg.NewDeleteRecordsResponseTopic()
		st.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			sp := kmsg.NewDeleteRecordsResponseTopicPartition()
			sp.Partition = rp.Partition
			low, err := b.deleteBefore(c, t, rp.Partition, rp.Offset)
			sp.LowWatermark, sp.ErrorCode = low, wire.Code(err)
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func (b *Broker) deleteBefore(c *caller, t *topic, partition int32, offset int64) (low int64, err error) {
	if t == nil || t.partition(partition) == nil {
		return -1, kerr.UnknownTopicOrPartition
	}
	if err := b.authorize(c, opDelete, resourceTopic, t.name); err != nil {
		return -1, err
	}
	if !t.config.Load().expire {
		return -1, kerr.PolicyViolation
	}
	l := t.partition(partition).log
	bounds := l.Bounds()
	if offset == -1 {
		offset = bounds.End
	}
	if offset < 0 || offset > bounds.End {
		return -1, kerr.OffsetOutOfRange
	}
	if offset > bounds.Start {
		var commit storage.Commit
		commit.SetStart(l, offset)
		if err := b.store.Do(&commit); err != nil {
			return -1, err
		}
	}
	return l.Start(), nil
}

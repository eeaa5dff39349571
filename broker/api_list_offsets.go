package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// listOffsetsAPI serves ListOffsets.
//
// Besides timestamps: -1 the end (the last stable offset under read_committed),
// -2 the start, -3 the largest timestamp (KIP-734), -4 the local start
// (KIP-405), -5 the last tiered offset (KIP-1005; there is none, so -1), -6 the
// earliest pending upload (KIP-1023; none either). A timestamp finds its batch,
// and in it the record; only a batch that is compressed in a way that cannot be
// read answers with its first offset.
const (
	latestOffset        = -1
	earliestOffset      = -2
	maxTimestampOffset  = -3
	earliestLocalOffset = -4
	latestTieredOffset  = -5
	earliestPending     = -6
)

var listOffsetsAPI = api{
	key: 2, min: 1, max: 11,
	handler: handle((*Broker).listOffsets),
	schema: wire.Schema{
		wire.Int32, wire.Int8.Since(2), wire.List(wire.String, wire.List(wire.Int32, wire.Int32.Since(4), wire.Int64, wire.Int32.Until(0))),
		wire.Int32.Since(10),
	},
}

func (b *Broker) listOffsets(c *caller, req *kmsg.ListOffsetsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.byName(rt.Topic)
		st := kmsg.NewListOffsetsResponseTopic()
		st.Topic = rt.Topic
		for j := range rt.Partitions {
			rp := &rt.Partitions[j]
			sp := kmsg.NewListOffsetsResponseTopicPartition()
			sp.Partition, sp.Timestamp, sp.Offset, sp.LeaderEpoch = rp.Partition, -1, -1, -1
			if err := b.listOffset(c, t, req, rp, &sp); err != nil {
				sp.ErrorCode = wire.Code(err)
			}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func (b *Broker) listOffset(c *caller, t *topic, req *kmsg.ListOffsetsRequest, rp *kmsg.ListOffsetsRequestTopicPartition, sp *kmsg.ListOffsetsResponseTopicPartition) error {
	if t == nil || t.partition(rp.Partition) == nil {
		return kerr.UnknownTopicOrPartition
	}
	if err := b.authorize(c, opDescribe, resourceTopic, t.name); err != nil {
		return err
	}
	if err := b.checkEpoch(rp.CurrentLeaderEpoch); err != nil {
		return err
	}
	l := t.partition(rp.Partition).log
	bounds := l.Bounds()
	limit := bounds.End
	if req.IsolationLevel == 1 {
		limit = bounds.Stable
	}
	switch rp.Timestamp {
	case latestOffset:
		sp.Offset = limit
	case earliestOffset, earliestLocalOffset:
		sp.Offset = bounds.Start
	case latestTieredOffset, earliestPending:
		return nil
	case maxTimestampOffset:
		at, found := l.Latest()
		if !found || bounds.Start == bounds.End {
			return nil
		}
		if at.Base < bounds.Start { // deleted; the same time may come again
			var err error
			if at, found, err = l.Search(at.MaxTime, limit); err != nil || !found {
				return err
			}
		}
		if err := b.recordAt(l, at, at.MaxTime, sp); err != nil {
			return err
		}
	default:
		if rp.Timestamp < 0 {
			return kerr.InvalidRequest
		}
		at, found, err := l.Search(rp.Timestamp, limit)
		if err != nil || !found {
			return err
		}
		if err := b.recordAt(l, at, rp.Timestamp, sp); err != nil {
			return err
		}
	}
	sp.LeaderEpoch = l.EpochAt(sp.Offset, b.store.Epoch())
	return nil
}

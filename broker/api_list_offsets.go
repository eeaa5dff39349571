package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The positions that negative timestamps stand for.
const (
	latestOffset        = -1
	earliestOffset      = -2
	maxTimestampOffset  = -3
	earliestLocalOffset = -4
	latestTieredOffset  = -5
	earliestPending     = -6
)

// listOffsetsAPI serves ListOffsets.
//
// The response to a timestamp is the first record that is not older. If its batch cannot
// be decompressed, it is the batch's first offset. Negative timestamps stand for
// positions: -1 the end (the last stable offset under read_committed), -2 the start, -3
// the largest timestamp (KIP-734), -4 the local start (KIP-405), -5 the last tiered
// offset (KIP-1005) and -6 the earliest pending upload (KIP-1023), of which there is none.
var listOffsetsAPI = api{
	key: 2, min: 1, max: 11,
	handler: handle((*Broker).listOffsets),
	schema: wire.Schema{
		wire.Int32, wire.Int8.Since(2),
		wire.List(wire.String, wire.List(wire.Int32, wire.Int32.Since(4), wire.Int64, wire.Int32.Through(0))),
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

func (b *Broker) listOffset(
	c *caller, t *topic, req *kmsg.ListOffsetsRequest,
	rp *kmsg.ListOffsetsRequestTopicPartition, sp *kmsg.ListOffsetsResponseTopicPartition,
) error {
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
	found, err := b.offsetAt(l, rp.Timestamp, limit, sp)
	if err == nil && found {
		sp.LeaderEpoch = l.EpochAt(sp.Offset, b.store.Epoch())
	}
	return err
}

// offsetAt sets sp to the offset at the timestamp, or at the position that a negative
// timestamp stands for, below limit.
func (b *Broker) offsetAt(l *storage.Log, timestamp, limit int64, sp *kmsg.ListOffsetsResponseTopicPartition) (found bool, err error) {
	switch timestamp {
	case latestOffset:
		sp.Offset = limit
		return true, nil
	case earliestOffset, earliestLocalOffset:
		sp.Offset = l.Bounds().Start
		return true, nil
	case latestTieredOffset, earliestPending:
		return false, nil
	case maxTimestampOffset:
		return b.latestTimestamp(l, limit, sp)
	}
	if timestamp < 0 {
		return false, kerr.InvalidRequest
	}
	at, found, err := l.Search(timestamp, limit)
	if err != nil || !found {
		return false, err
	}
	return true, b.recordAt(l, at, timestamp, sp)
}

// latestTimestamp sets sp to the first record with the log's largest timestamp.
func (b *Broker) latestTimestamp(l *storage.Log, limit int64, sp *kmsg.ListOffsetsResponseTopicPartition) (found bool, err error) {
	bounds := l.Bounds()
	at, found := l.Latest()
	if !found || bounds.Start == bounds.End {
		return false, nil
	}
	if at.Base < bounds.Start { // deleted; another record may have the same time
		if at, found, err = l.Search(at.MaxTime, limit); err != nil || !found {
			return false, err
		}
	}
	return true, b.recordAt(l, at, at.MaxTime, sp)
}

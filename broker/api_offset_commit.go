package broker

import (
	"time"

	"github.com/sightlog/sightlog/broker/internal/group"
	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetCommitAPI serves OffsetCommit.
//
// Answered when the offsets are on disk. v10 names topics by id. The retention
// time of v2-4 is ignored: offsets expire by the broker's setting.
var offsetCommitAPI = api{
	key: 8, min: 1, max: 10,
	handler: handleDeferred((*Broker).offsetCommit),
	schema: wire.Schema{
		wire.String, wire.Int32.Since(1), wire.String.Since(1), wire.String.Since(7), wire.Int64.Through(4).Since(2),
		wire.List(wire.String.Through(9), wire.ID.Since(10),
			wire.List(wire.Int32, wire.Int64, wire.Int64.Through(1).Since(1), wire.Int32.Since(6), wire.String)),
	},
}

// maxOffsetMetadata bounds the text that a client may store with an offset, as in Kafka.
const maxOffsetMetadata = 4096

func (b *Broker) offsetCommit(c *caller, req *kmsg.OffsetCommitRequest) reply {
	resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	refused := b.checkOffsetCommit(c, req)
	var commit storage.Commit
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.find(rt.Topic, rt.TopicID, req.Version >= 10)
		st := kmsg.NewOffsetCommitResponseTopic()
		st.Topic, st.TopicID = rt.Topic, rt.TopicID
		for j := range rt.Partitions {
			rp := &rt.Partitions[j]
			sp := kmsg.NewOffsetCommitResponseTopicPartition()
			sp.Partition = rp.Partition
			if refused != nil {
				sp.ErrorCode = wire.Code(refused)
			} else if t == nil && req.Version >= 10 {
				sp.ErrorCode = kerr.UnknownTopicID.Code
			} else if t != nil && !b.allowed(c, opRead, resourceTopic, t.name) {
				sp.ErrorCode = kerr.TopicAuthorizationFailed.Code
			} else if row, err := b.newOffset(t, rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata); err != nil {
				sp.ErrorCode = wire.Code(err)
			} else {
				group.PutOffset(&commit, req.Group, rows.OffsetKey(t.name, rp.Partition), row)
			}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	if commit.Empty() {
		return immediate(resp)
	}
	b.store.Submit(&commit)
	return func() kmsg.Response {
		if err := commit.Wait(); err != nil {
			for i := range resp.Topics {
				for j := range resp.Topics[i].Partitions {
					resp.Topics[i].Partitions[j].ErrorCode = wire.Code(err)
				}
			}
		}
		return resp
	}
}

func (b *Broker) checkOffsetCommit(c *caller, req *kmsg.OffsetCommitRequest) error {
	if err := b.authorizeGroup(c, opRead, req.Group); err != nil {
		return err
	}
	return b.groups.CheckCommit(req.Group, req.MemberID, req.InstanceID, req.Generation)
}

// newOffset returns the row of an offset that is committed now. t may be nil: an unknown
// topic.
func (b *Broker) newOffset(t *topic, partition int32, offset int64, epoch int32, metadata *string) (row rows.Offset, err error) {
	if t == nil || t.partition(partition) == nil {
		return row, kerr.UnknownTopicOrPartition
	}
	row = rows.Offset{Offset: offset, Epoch: epoch, At: time.Now().UnixMilli()}
	if metadata != nil {
		row.Metadata = *metadata
	}
	if len(row.Metadata) > maxOffsetMetadata {
		return row, kerr.OffsetMetadataTooLarge
	}
	return row, nil
}

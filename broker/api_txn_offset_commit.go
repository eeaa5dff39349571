package broker

import (
	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// txnOffsetCommitAPI serves TxnOffsetCommit.
//
// The offsets are stored with the transaction and become the group's when it
// commits. Answered when they are on disk.
var txnOffsetCommitAPI = api{
	key: 28, min: 0, max: 5,
	handler: handleDeferred((*Broker).txnOffsetCommit),
	schema: wire.Schema{
		wire.String, wire.String, wire.Int64, wire.Int16, wire.Int32.Since(3), wire.String.Since(3), wire.String.Since(3),
		wire.List(wire.String.Through(5), wire.ID.Since(6), wire.List(wire.Int32, wire.Int64, wire.Int32.Since(2), wire.String)),
	},
}

func (b *Broker) txnOffsetCommit(c *caller, req *kmsg.TxnOffsetCommitRequest) reply {
	resp := req.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
	refused := b.checkTxnOffsetCommit(c, req)
	var t *txn.Txn
	if refused == nil {
		t = b.txns.Lock(req.TransactionalID)
		refused = t.Check(txn.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch})
	}
	offsets := map[string]rows.Offset{}
	for i := range req.Topics {
		rt := &req.Topics[i]
		st := kmsg.NewTxnOffsetCommitResponseTopic()
		st.Topic = rt.Topic
		for j := range rt.Partitions {
			rp := &rt.Partitions[j]
			sp := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			sp.Partition = rp.Partition
			if refused != nil {
				sp.ErrorCode = wire.Code(refused)
			} else if err := b.authorize(c, opRead, resourceTopic, rt.Topic); err != nil {
				sp.ErrorCode = wire.Code(err)
			} else if row, err := b.newOffset(b.topics.byName(rt.Topic), rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata); err != nil {
				sp.ErrorCode = wire.Code(err)
			} else {
				offsets[rows.OffsetKey(rt.Topic, rp.Partition)] = row
			}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	var wait func() error
	if refused == nil && len(offsets) > 0 {
		wait = b.txns.AddOffsets(t, req.Group, offsets)
	}
	t.Unlock()
	if wait == nil {
		return immediate(resp)
	}
	return func() kmsg.Response {
		if err := wait(); err != nil {
			for i := range resp.Topics {
				for j := range resp.Topics[i].Partitions {
					resp.Topics[i].Partitions[j].ErrorCode = wire.Code(err)
				}
			}
		}
		return resp
	}
}

func (b *Broker) checkTxnOffsetCommit(c *caller, req *kmsg.TxnOffsetCommitRequest) error {
	if err := b.authorizeGroup(c, opRead, req.Group); err != nil {
		return err
	}
	if err := b.authorize(c, opWrite, resourceTxn, req.TransactionalID); err != nil {
		return err
	}
	if req.Version < 3 || req.MemberID == "" && req.Generation < 0 && req.InstanceID == nil {
		return nil // a producer that does not say on whose behalf (before KIP-447)
	}
	return b.groups.CheckCommit(req.Group, req.MemberID, req.InstanceID, req.Generation)
}

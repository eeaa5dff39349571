package broker

import (
	"cmp"

	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// addPartitionsToTxnAPI serves AddPartitionsToTxn.
//
// Answered without waiting for the disk: the journal preserves the order of commits, so
// what the producer writes afterwards is durable only if this is. v4 and later, which
// brokers of a cluster send each other in batches, may also just verify.
var addPartitionsToTxnAPI = api{
	key: 24, min: 0, max: 5,
	handler: handle((*Broker).addPartitionsToTxn),
	schema: wire.Schema{
		wire.String.Through(3), wire.Int64.Through(3), wire.Int16.Through(3), wire.List(wire.String, wire.Int32s).Through(3),
		wire.List(wire.String, wire.Int64, wire.Int16, wire.Int8, wire.List(wire.String, wire.Int32s)).Since(4),
	},
}

func (b *Broker) addPartitionsToTxn(c *caller, req *kmsg.AddPartitionsToTxnRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AddPartitionsToTxnResponse)
	if req.Version >= 4 {
		for i := range req.Transactions {
			rt := &req.Transactions[i]
			st := kmsg.NewAddPartitionsToTxnResponseTransaction()
			st.TransactionalID = rt.TransactionalID
			topics := make([]kmsg.AddPartitionsToTxnRequestTopic, len(rt.Topics))
			for j, t := range rt.Topics {
				topics[j].Topic, topics[j].Partitions = t.Topic, t.Partitions
			}
			p := txn.Producer{ID: rt.ProducerID, Epoch: rt.ProducerEpoch}
			for _, t := range b.addToTxn(c, rt.TransactionalID, p, topics, rt.VerifyOnly, true) {
				tt := kmsg.NewAddPartitionsToTxnResponseTransactionTopic()
				tt.Topic = t.Topic
				for _, p := range t.Partitions {
					tp := kmsg.NewAddPartitionsToTxnResponseTransactionTopicPartition()
					tp.Partition, tp.ErrorCode = p.Partition, p.ErrorCode
					tt.Partitions = append(tt.Partitions, tp)
				}
				st.Topics = append(st.Topics, tt)
			}
			resp.Transactions = append(resp.Transactions, st)
		}
		return resp
	}
	p := txn.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch}
	resp.Topics = b.addToTxn(c, req.TransactionalID, p, req.Topics, false, req.Version >= 2)
	return resp
}

// addToTxn adds all the partitions to the transaction, or none of them.
func (b *Broker) addToTxn(c *caller, id string, p txn.Producer,
	topics []kmsg.AddPartitionsToTxnRequestTopic, verifyOnly, knowsFenced bool,
) (out []kmsg.AddPartitionsToTxnResponseTopic) {
	t := b.txns.Lock(id)
	defer t.Unlock()
	refused := cmp.Or(b.authorize(c, opWrite, resourceTxn, id), t.Check(p))
	var parts []txn.Partition
	missing := false
	for _, rt := range topics {
		st := kmsg.NewAddPartitionsToTxnResponseTopic()
		st.Topic = rt.Topic
		topic := b.topics.byName(rt.Topic)
		for _, i := range rt.Partitions {
			sp := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
			sp.Partition = i
			switch {
			case topic == nil || topic.partition(i) == nil:
				sp.ErrorCode = kerr.UnknownTopicOrPartition.Code
				missing = true
			case refused != nil:
				sp.ErrorCode = producerCode(refused, knowsFenced)
			case !b.allowed(c, opWrite, resourceTopic, rt.Topic):
				sp.ErrorCode = kerr.TopicAuthorizationFailed.Code
				missing = true
			default:
				part := topic.partition(i).inTxn()
				parts = append(parts, part)
				if verifyOnly && !t.Contains(part.Log) {
					sp.ErrorCode = kerr.TransactionAbortable.Code
				}
			}
			st.Partitions = append(st.Partitions, sp)
		}
		out = append(out, st)
	}
	switch {
	case missing:
		for i := range out {
			for j := range out[i].Partitions {
				if p := &out[i].Partitions[j]; p.ErrorCode == 0 {
					p.ErrorCode = kerr.OperationNotAttempted.Code
				}
			}
		}
	case refused == nil && !verifyOnly:
		b.txns.Enlist(t, parts...)
	}
	return out
}

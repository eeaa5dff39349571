package broker

import (
	"cmp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AddPartitionsToTxn (key 24), v0-5.
//
// Answered without waiting for the disk: the journal keeps order, so whatever
// the producer then writes is on disk only if this is. v4 and later, which
// brokers of a cluster send each other in batches, may also just verify.

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
			for _, t := range b.txns.add(c, rt.TransactionalID, rt.ProducerID, rt.ProducerEpoch, topics, rt.VerifyOnly) {
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
	resp.Topics = b.txns.add(c, req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Topics, false)
	if req.Version < 2 { // PRODUCER_FENCED is not known yet
		for i := range resp.Topics {
			for j := range resp.Topics[i].Partitions {
				if p := &resp.Topics[i].Partitions[j]; p.ErrorCode == kerr.ProducerFenced.Code {
					p.ErrorCode = kerr.InvalidProducerEpoch.Code
				}
			}
		}
	}
	return resp
}

// add adds all the partitions to the transaction, or none of them.
func (ts *txns) add(c *caller, id string, pid int64, epoch int16, topics []kmsg.AddPartitionsToTxnRequestTopic, verifyOnly bool) (out []kmsg.AddPartitionsToTxnResponseTopic) {
	t := ts.lock(id, false)
	if t != nil {
		defer t.mu.Unlock()
	}
	refused := cmp.Or(ts.b.authorize(c, opWrite, resourceTxn, id), t.check(pid, epoch))
	var parts []*partition
	missing := false
	for _, rt := range topics {
		st := kmsg.NewAddPartitionsToTxnResponseTopic()
		st.Topic = rt.Topic
		topic := ts.b.topics.named(rt.Topic)
		for _, i := range rt.Partitions {
			sp := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
			sp.Partition = i
			switch {
			case topic == nil || topic.partition(i) == nil:
				sp.ErrorCode = kerr.UnknownTopicOrPartition.Code
				missing = true
			case refused != nil:
				sp.ErrorCode = code(refused)
			case !ts.b.allowed(c, opWrite, resourceTopic, rt.Topic):
				sp.ErrorCode = kerr.TopicAuthorizationFailed.Code
				missing = true
			default:
				parts = append(parts, topic.partition(i))
				if _, in := t.parts[topic.partition(i)]; verifyOnly && !in {
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
		ts.enlist(t, parts...)
	}
	return out
}

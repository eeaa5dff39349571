package broker

import (
	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// endTxnAPI serves EndTxn.
//
// One commit of the store holds the markers of all partitions, the offsets and
// the new state. v5 bumps the epoch with every end (KIP-890) and responds with the new
// one; a retry with the epoch before gets the same response.
var endTxnAPI = api{
	key: 26, min: 0, max: 5,
	handler: handleDeferred((*Broker).endTxn),
	schema:  wire.Schema{wire.String, wire.Int64, wire.Int16, wire.Int8},
}

func (b *Broker) endTxn(c *caller, req *kmsg.EndTxnRequest) reply {
	resp := req.ResponseKind().(*kmsg.EndTxnResponse)
	answer := func(p txn.Producer, err error) kmsg.Response {
		resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = producerCode(err, req.Version >= 2), p.ID, p.Epoch
		return resp
	}
	if err := b.authorize(c, opWrite, resourceTxn, req.TransactionalID); err != nil {
		return immediate(answer(txn.NoProducer, err))
	}
	bump := req.Version >= 5
	next, wait, err := b.txns.End(req.TransactionalID, txn.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch}, req.Commit, bump)
	return producerReply(next, wait, err, answer)
}

package broker

import (
	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// initProducerIDAPI serves InitProducerID.
//
// A transaction that the former producer left open is aborted in the same
// commit that fences it, so CONCURRENT_TRANSACTIONS is rare. A request with the
// current id and epoch bumps the epoch (KIP-360). A request with those from before the
// last bump is a retry, and is answered with the current ones.
var initProducerIDAPI = api{
	key: 22, min: 0, max: 5,
	handler: handleDeferred((*Broker).initProducerID),
	schema:  wire.Schema{wire.String, wire.Int32, wire.Int64.Since(3), wire.Int16.Since(3)},
}

func (b *Broker) initProducerID(c *caller, req *kmsg.InitProducerIDRequest) reply {
	resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
	answer := func(p txn.Producer, err error) kmsg.Response {
		resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = producerCode(err, req.Version >= 4), p.ID, p.Epoch
		return resp
	}
	if req.TransactionalID == nil {
		id, reserved := b.txns.NewProducerID()
		return producerReply(txn.Producer{ID: id}, reserved, nil, answer)
	}
	if err := b.authorize(c, opWrite, resourceTxn, *req.TransactionalID); err != nil {
		return immediate(answer(txn.NoProducer, err))
	}
	p := txn.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch}
	next, wait, err := b.txns.Init(*req.TransactionalID, req.TransactionTimeoutMillis, p)
	return producerReply(next, wait, err, answer)
}

package broker

import (
	"github.com/sightlog/sightlog/broker/internal/txn"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
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
	next, wait, err := b.txns.Init(*req.TransactionalID, req.TransactionTimeoutMillis, txn.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch})
	return producerReply(next, wait, err, answer)
}

// producerReply answers with the producer when wait has returned, or at once with
// err.
func producerReply(p txn.Producer, wait func() error, err error, answer func(txn.Producer, error) kmsg.Response) reply {
	if err != nil {
		return immediate(answer(txn.NoProducer, err))
	}
	return func() kmsg.Response {
		if err := wait(); err != nil {
			return answer(txn.NoProducer, err)
		}
		return answer(p, nil)
	}
}

// producerCode is code for a response to a producer. Older versions have
// INVALID_PRODUCER_EPOCH in place of PRODUCER_FENCED.
func producerCode(err error, knowsFenced bool) int16 {
	if !knowsFenced && errors.Is(err, kerr.ProducerFenced) {
		err = kerr.InvalidProducerEpoch
	}
	return wire.Code(err)
}

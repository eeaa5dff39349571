package broker

import (
	"cmp"

	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// addOffsetsToTxnAPI serves AddOffsetsToTxn.
//
// Begins the transaction if there is none. The group's offsets come with
// TxnOffsetCommit. There is no partition of offsets to add to the transaction.
var addOffsetsToTxnAPI = api{
	key: 25, min: 0, max: 4,
	handler: handle((*Broker).addOffsetsToTxn),
	schema:  wire.Schema{wire.String, wire.Int64, wire.Int16, wire.String},
}

func (b *Broker) addOffsetsToTxn(c *caller, req *kmsg.AddOffsetsToTxnRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AddOffsetsToTxnResponse)
	if err := cmp.Or(b.authorizeGroup(c, opRead, req.Group),
		b.authorize(c, opWrite, resourceTxn, req.TransactionalID)); err != nil {
		resp.ErrorCode = wire.Code(err)
		return resp
	}
	t := b.txns.Lock(req.TransactionalID)
	defer t.Unlock()
	if err := t.Check(txn.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch}); err != nil {
		resp.ErrorCode = producerCode(err, req.Version >= 2)
		return resp
	}
	b.txns.Enlist(t)
	return resp
}

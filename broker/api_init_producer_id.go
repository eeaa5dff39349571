package broker

import (
	"errors"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// InitProducerID (key 22), v0-5.
//
// A transaction that the former producer left open is aborted in the same
// commit that fences it, so CONCURRENT_TRANSACTIONS is rare. A request with the
// current id and epoch bumps the epoch (KIP-360); one with those from before
// the last bump is a retry and is given the current ones.

func (b *Broker) initProducerID(c *caller, req *kmsg.InitProducerIDRequest) reply {
	resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	if req.TransactionalID == nil {
		pid, reserved := b.txns.newProducerID()
		return func() kmsg.Response {
			err := reserved()
			if resp.ErrorCode = code(err); err == nil {
				resp.ProducerID, resp.ProducerEpoch = pid, 0
			}
			return resp
		}
	}
	if err := b.authorize(c, opWrite, resourceTxn, *req.TransactionalID); err != nil {
		resp.ErrorCode = code(err)
		return now(resp)
	}
	wait, pid, epoch, err := b.txns.init(req)
	if err != nil {
		resp.ErrorCode = code(err)
		if req.Version < 4 && resp.ErrorCode == kerr.ProducerFenced.Code {
			resp.ErrorCode = kerr.InvalidProducerEpoch.Code
		}
		return now(resp)
	}
	return func() kmsg.Response {
		if err := wait(); err != nil {
			resp.ErrorCode = code(err)
			return resp
		}
		resp.ProducerID, resp.ProducerEpoch = pid, epoch
		return resp
	}
}

func (ts *txns) init(req *kmsg.InitProducerIDRequest) (wait func() error, pid int64, epoch int16, err error) {
	if *req.TransactionalID == "" {
		return nil, 0, 0, kerr.InvalidRequest
	}
	timeout := time.Duration(req.TransactionTimeoutMillis) * time.Millisecond
	if timeout <= 0 || timeout > ts.b.cfg.MaxTxnTimeout {
		return nil, 0, 0, kerr.InvalidTransactionTimeout
	}
	t := ts.lock(*req.TransactionalID, true)
	defer t.mu.Unlock()
	if t.ending {
		return nil, 0, 0, kerr.ConcurrentTransactions
	}
	if req.ProducerID != -1 {
		current := req.ProducerID == t.row.ProducerID && req.ProducerEpoch == t.row.Epoch
		retry := req.ProducerID == t.row.PrevID && req.ProducerEpoch == t.row.PrevEpoch
		switch {
		case retry && t.row.State != txnOngoing:
			return func() error { return nil }, t.row.ProducerID, t.row.Epoch, nil
		case !current && t.row.ProducerID == -1:
			return nil, 0, 0, kerr.InvalidProducerIDMapping
		case !current:
			return nil, 0, 0, kerr.ProducerFenced
		}
	}
	pid, epoch, reserved := ts.bumped(t)
	t.row.Timeout = req.TransactionTimeoutMillis
	var c storage.Commit
	if t.row.State == txnOngoing {
		ts.end(t, false, pid, epoch, markerEpoch(t, pid, epoch), &c)
	} else {
		t.ending = true
	}
	next := t.row
	next.PrevID, next.PrevEpoch = t.row.ProducerID, t.row.Epoch
	if req.ProducerID == -1 { // a new instance: the old one's retries are fenced
		next.PrevID, next.PrevEpoch = -1, -1
	}
	next.ProducerID, next.Epoch, next.State = pid, epoch, txnEmpty
	next.Partitions, next.Offsets, next.Started = nil, nil, 0
	next.Updated = time.Now().UnixMilli()
	c.Put(bucketTxns, t.id, encode(next))
	ts.b.store.Submit(&c)
	return func() error {
		err := errors.Join(reserved(), c.Wait())
		t.mu.Lock()
		defer t.mu.Unlock()
		t.ending = false
		if err == nil {
			cancelTimer(t.timer)
			t.timer, t.row = nil, next
			clear(t.parts)
		}
		return err
	}, pid, epoch, nil
}

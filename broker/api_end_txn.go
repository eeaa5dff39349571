package broker

import (
	"errors"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// EndTxn (key 26), v0-5.
//
// One commit of the store holds the markers of all partitions, the offsets and
// the new state. v5 bumps the epoch with every end (KIP-890) and answers the
// one to go on with; a retry with the epoch before is given the same answer.

func (b *Broker) endTxn(c *caller, req *kmsg.EndTxnRequest) reply {
	resp := req.ResponseKind().(*kmsg.EndTxnResponse)
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	if err := b.authorize(c, opWrite, resourceTxn, req.TransactionalID); err != nil {
		resp.ErrorCode = code(err)
		return now(resp)
	}
	wait, pid, epoch, err := b.txns.endRequest(req)
	if err != nil {
		resp.ErrorCode = code(err)
		if req.Version < 2 && resp.ErrorCode == kerr.ProducerFenced.Code {
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

func (ts *txns) endRequest(req *kmsg.EndTxnRequest) (wait func() error, pid int64, epoch int16, err error) {
	t := ts.lock(req.TransactionalID, false)
	if t == nil {
		return nil, 0, 0, kerr.InvalidProducerIDMapping
	}
	defer t.mu.Unlock()
	bumps := req.Version >= 5
	done := txnCompleteAbort
	if req.Commit {
		done = txnCompleteCommit
	}
	settled := func() error { return nil }
	if bumps && !t.ending && req.ProducerID == t.row.PrevID && req.ProducerEpoch == t.row.PrevEpoch && t.row.State == done {
		return settled, t.row.ProducerID, t.row.Epoch, nil // a retry
	}
	if err := t.check(req.ProducerID, req.ProducerEpoch); err != nil {
		return nil, 0, 0, err
	}
	switch {
	case t.row.State == txnOngoing:
	case bumps && !req.Commit: // an abort of nothing still bumps
	case !bumps && t.row.State == done:
		return settled, t.row.ProducerID, t.row.Epoch, nil
	default:
		return nil, 0, 0, kerr.InvalidTxnState
	}
	pid, epoch = t.row.ProducerID, t.row.Epoch
	marker, reserved := epoch, settled
	if bumps {
		pid, epoch, reserved = ts.bumped(t)
		marker = markerEpoch(t, pid, epoch)
	}
	c := &storage.Commit{}
	ts.end(t, req.Commit, pid, epoch, marker, c)
	ts.b.store.Submit(c)
	return func() error {
		err := errors.Join(reserved(), c.Wait())
		ts.ended(t, req.Commit, pid, epoch, err)
		return err
	}, pid, epoch, nil
}

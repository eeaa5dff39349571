package txn

import (
	"errors"
	"time"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// alreadyDone is the wait function of a request whose effect is durable already.
func alreadyDone() error { return nil }

// Init gives the transactional id's producer its id and epoch. A transaction that
// the former producer left open is aborted in the same commit. p is NoProducer for a
// new instance; the current producer's epoch is bumped (KIP-360), and the one from
// before the last bump, a retry, is given the current one. A producer of a transactional
// id that is not known, because it expired or was never used, is given a new one, as by
// Kafka's TransactionMetadata. next is valid once wait has returned nil.
func (c *Coordinator) Init(id string, timeoutMillis int32, p Producer) (next Producer, wait func() error, err error) {
	if id == "" {
		return NoProducer, nil, kerr.InvalidRequest
	}
	if timeout := time.Duration(timeoutMillis) * time.Millisecond; timeout <= 0 || timeout > c.opt.MaxTimeout {
		return NoProducer, nil, kerr.InvalidTransactionTimeout
	}
	t := c.lockOrCreate(id)
	defer t.mu.Unlock()
	if t.ending {
		return NoProducer, nil, kerr.ConcurrentTransactions
	}
	if p.ID != -1 {
		switch current := p == t.row.producer(); {
		case p == t.row.prevProducer() && t.row.State != Ongoing:
			return t.row.producer(), alreadyDone, nil
		case !current && t.row.ProducerID != -1:
			return NoProducer, nil, kerr.ProducerFenced
		}
	}
	next, reserved := c.bumped(t)
	t.row.Timeout = timeoutMillis
	commit := &storage.Commit{}
	if t.row.State == Ongoing {
		c.addEnd(commit, t, false, next, t.markerEpoch(next))
	}
	t.ending = true
	row := t.row
	row.PrevID, row.PrevEpoch = t.row.ProducerID, t.row.Epoch
	if p.ID == -1 { // a new instance: the old one's retries are fenced
		row.PrevID, row.PrevEpoch = -1, -1
	}
	row.ProducerID, row.Epoch, row.State = next.ID, next.Epoch, Empty
	row.Partitions, row.Offsets, row.Started = nil, nil, 0
	row.Updated = time.Now().UnixMilli()
	commit.Put(rows.Txns, t.id, rows.Encode(row))
	c.opt.Store.Submit(commit)
	return next, func() error {
		err := errors.Join(reserved(), commit.Wait())
		t.finish(row, err)
		return err
	}, nil
}

// End commits or aborts the transaction of producer p. bump gives the producer its
// next epoch with it (KIP-890): a retry with the epoch from before is then given the
// same answer. next is valid once wait has returned nil.
func (c *Coordinator) End(id string, p Producer, commit, bump bool) (next Producer, wait func() error, err error) {
	t := c.Lock(id)
	if t == nil {
		return NoProducer, nil, kerr.InvalidProducerIDMapping
	}
	defer t.mu.Unlock()
	done := CompleteAbort
	if commit {
		done = CompleteCommit
	}
	if bump && !t.ending && p == t.row.prevProducer() && t.row.State == done {
		return t.row.producer(), alreadyDone, nil // a retry
	}
	if err := t.Check(p); err != nil {
		return NoProducer, nil, err
	}
	switch {
	case t.row.State == Ongoing:
	case bump && !commit: // an abort of nothing bumps as well
	case !bump && t.row.State == done:
		return t.row.producer(), alreadyDone, nil
	default:
		return NoProducer, nil, kerr.InvalidTxnState
	}
	next, marker, reserved := t.row.producer(), t.row.Epoch, alreadyDone
	if bump {
		next, reserved = c.bumped(t)
		marker = t.markerEpoch(next)
	}
	return next, c.submitEnd(t, commit, next, marker, reserved), nil
}

// AbortIn aborts the ongoing transaction of the producer id that writes to the log,
// and fences the producer. It returns found = false if the coordinator knows none,
// and waits until the abort is durable.
func (c *Coordinator) AbortIn(l *storage.Log, producerID int64) (found bool, err error) {
	for _, t := range c.all() {
		t.mu.Lock()
		if !t.Contains(l) || t.row.ProducerID != producerID || t.row.State != Ongoing {
			t.mu.Unlock()
			continue
		}
		if t.ending {
			t.mu.Unlock()
			return true, kerr.ConcurrentTransactions
		}
		c.opt.Log.Info("transaction aborted by request", "transactional_id", t.id)
		wait := c.abort(t)
		t.mu.Unlock()
		return true, wait()
	}
	return false, nil
}

// abort aborts the ongoing transaction and fences its producer. It returns a
// function that waits until that is durable. t is locked and not ending.
func (c *Coordinator) abort(t *Txn) (wait func() error) {
	next, reserved := c.bumped(t)
	return c.submitEnd(t, false, next, t.markerEpoch(next), reserved)
}

// submitEnd submits the end of the transaction and returns a function that waits
// for it and completes t. marker is the epoch of the markers, next the producer
// that it continues as. t is locked, and not when wait is called.
func (c *Coordinator) submitEnd(t *Txn, commit bool, next Producer, marker int16, reserved func() error) (wait func() error) {
	end := &storage.Commit{}
	row := c.addEnd(end, t, commit, next, marker)
	end.Put(rows.Txns, t.id, rows.Encode(row))
	t.ending = true
	c.opt.Store.Submit(end)
	return func() error {
		err := errors.Join(reserved(), end.Wait())
		t.finish(row, err)
		return err
	}
}

// addEnd adds the markers and the offsets of the transaction's end to a commit, and
// returns the state after it. t is locked.
func (c *Coordinator) addEnd(end *storage.Commit, t *Txn, commit bool, next Producer, marker int16) txnRow {
	now := time.Now().UnixMilli()
	for l := range t.parts {
		end.Mark(l, t.row.ProducerID, marker, commit, now)
	}
	if commit {
		for group, offsets := range t.row.Offsets {
			for key, row := range offsets {
				row.At = now
				end.Put(rows.OffsetsPrefix+group, key, rows.Encode(row))
			}
		}
	}
	return t.row.ended(commit, next)
}

// finish takes over the state that a commit wrote. After an error the transaction is
// as before: the client retries, or the timeout aborts it.
func (t *Txn) finish(row txnRow, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = false
	if err != nil {
		return
	}
	timer.Cancel(t.timer)
	t.timer, t.row = nil, row
	clear(t.parts)
}

// bumped returns the producer that follows the transactional id's current one, and a
// function that waits until a client may learn it. When the epochs are used up it is
// a new producer id. t is locked.
func (c *Coordinator) bumped(t *Txn) (next Producer, reserved func() error) {
	const lastEpoch = 32766 // 32767 is left for fencing
	if t.row.ProducerID >= 0 && t.row.Epoch < lastEpoch {
		return Producer{t.row.ProducerID, t.row.Epoch + 1}, alreadyDone
	}
	id, reserved := c.ids.take()
	return Producer{id, 0}, reserved
}

// armTimeout schedules the transaction's abort for when it has been open for its
// timeout. t is locked.
func (c *Coordinator) armTimeout(t *Txn) {
	left := time.Until(time.UnixMilli(t.row.Started)) + time.Duration(t.row.Timeout)*time.Millisecond
	started, id := t.row.Started, t.row.ProducerID
	t.timer = c.opt.Timers.After(max(left, 0), func() { c.expire(t, id, started) })
}

// expireRetry is the pause before a transaction that could not be aborted is tried
// again.
const expireRetry = time.Second

// expire aborts the transaction that producerID started then, if it is still open.
// The disk is waited for in a goroutine of its own: timers do not wait for long.
func (c *Coordinator) expire(t *Txn, producerID, started int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.row.State != Ongoing || t.row.ProducerID != producerID || t.row.Started != started {
		return
	}
	retry := func() { t.timer = c.opt.Timers.After(expireRetry, func() { c.expire(t, producerID, started) }) }
	if t.ending {
		retry()
		return
	}
	c.opt.Log.Info("transaction timed out: aborted", "transactional_id", t.id, "timeout_ms", t.row.Timeout)
	wait := c.abort(t)
	c.aborts.Go(func() {
		if err := wait(); err != nil {
			c.opt.Log.Warn("cannot abort a transaction that timed out", "transactional_id", t.id, "err", err)
			t.mu.Lock()
			defer t.mu.Unlock()
			retry()
		}
	})
}

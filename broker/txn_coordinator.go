package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// txns coordinates transactions (KIP-98, KIP-447, KIP-890).
//
// A transaction ends in one commit of the store, which holds the markers in
// every partition, the offsets and the coordinator's own state. So there is no
// prepared state, and a crash cannot leave half of an end.
type txns struct {
	b *Broker

	mu     sync.Mutex // guards what follows
	byID   map[string]*txn
	nextID int64 // next producer id to give out
	idEnd  int64 // end of the ids that are reserved

	reserved func() error // waits until those are, on disk
}

// pidBlock is how many producer ids are reserved at once.
const pidBlock = 1000

func loadTxns(b *Broker) (*txns, error) {
	ts := &txns{b: b, byID: map[string]*txn{}}
	if v, ok := b.store.Get(bucketMeta, "next-producer-id"); ok {
		if err := json.Unmarshal(v, &ts.nextID); err != nil {
			return nil, fmt.Errorf("read next producer id: %w", err)
		}
	}
	for id, value := range b.store.Bucket(bucketTxns) {
		t := &txn{id: id, parts: map[*partition]struct{}{}}
		if err := json.Unmarshal(value, &t.row); err != nil {
			return nil, fmt.Errorf("read transactional id %s: %w", id, err)
		}
		for name, indexes := range t.row.Partitions {
			for _, i := range indexes {
				if topic := b.topics.named(name); topic != nil && topic.partition(i) != nil {
					t.parts[topic.partition(i)] = struct{}{}
				}
			}
		}
		ts.byID[id] = t
		if t.row.State == txnOngoing {
			t.mu.Lock()
			ts.armTimeout(t)
			t.mu.Unlock()
		}
		ts.nextID = max(ts.nextID, t.row.ProducerID+1)
	}
	ts.idEnd = ts.nextID
	return ts, nil
}

// newProducerID returns an id that was never given out, and what waits until that
// is on disk: before it has, nobody may be told the id. When a block of ids is
// used up the next is submitted here and not waited for. The journal keeps order:
// a commit that is submitted after this, and succeeds, has the id reserved.
func (ts *txns) newProducerID() (id int64, reserved func() error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.nextID == ts.idEnd {
		ts.reserve(ts.idEnd + pidBlock)
	}
	ts.nextID++
	return ts.nextID - 1, ts.reserved
}

// reserve reserves the ids below end. ts is locked.
func (ts *txns) reserve(end int64) {
	c := &storage.Commit{}
	c.Put(bucketMeta, "next-producer-id", encode(end))
	ts.b.store.Submit(c)
	ts.idEnd = end
	ts.reserved = sync.OnceValue(func() error {
		err := c.Wait()
		if err != nil { // the next id is tried with a block of its own
			ts.mu.Lock()
			defer ts.mu.Unlock()
			if ts.idEnd == end {
				ts.idEnd = ts.nextID
			}
		}
		return err
	})
}

// lock returns the transactional id, locked, or nil.
func (ts *txns) lock(id string, make bool) *txn {
	ts.mu.Lock()
	t := ts.byID[id]
	if t == nil && make {
		t = newTxn(id)
		ts.byID[id] = t
	}
	ts.mu.Unlock()
	if t != nil {
		t.mu.Lock()
	}
	return t
}

// enlist adds partitions to the transaction, beginning one if there is none.
// Nobody waits for that to be durable: the journal keeps order, so what is then
// written to the partitions is on disk only if this is. It is submitted while
// t is locked, so that the states of t are in order there too.
func (ts *txns) enlist(t *txn, parts ...*partition) {
	changed := t.row.State != txnOngoing
	ts.begin(t)
	for _, p := range parts {
		if _, in := t.parts[p]; in {
			continue
		}
		changed = true
		t.parts[p] = struct{}{}
		if t.row.Partitions == nil {
			t.row.Partitions = map[string][]int32{}
		}
		t.row.Partitions[p.topic.name] = append(t.row.Partitions[p.topic.name], p.index)
	}
	if changed {
		var c storage.Commit
		t.keep(&c)
		ts.b.store.SubmitDeferred(&c)
	}
}

// begin makes the transaction ongoing.
func (ts *txns) begin(t *txn) {
	if t.row.State == txnOngoing {
		return
	}
	t.row.State = txnOngoing
	t.row.Started = time.Now().UnixMilli()
	t.row.Partitions, t.row.Offsets = nil, nil
	clear(t.parts)
	ts.armTimeout(t)
}

// verify checks a transactional batch and adds its partition to the
// transaction where the version of Produce does that.
func (ts *txns) verify(req *kmsg.ProduceRequest, p *partition, batch storage.Batch) error {
	if req.TransactionID == nil {
		return kerr.InvalidTxnState
	}
	t := ts.lock(*req.TransactionID, false)
	if t == nil {
		return kerr.InvalidProducerIDMapping
	}
	defer t.mu.Unlock()
	if err := t.check(batch.ProducerID(), batch.ProducerEpoch()); err != nil {
		if err == error(kerr.ProducerFenced) {
			return kerr.InvalidProducerEpoch // what producers know it by
		}
		return err
	}
	if req.Version >= 12 {
		ts.enlist(t, p)
		return nil
	}
	if _, in := t.parts[p]; !in || t.row.State != txnOngoing {
		return kerr.InvalidTxnState
	}
	return nil
}

// end ends the ongoing transaction: it adds markers, offsets and the new state
// to c. marker is the epoch that the markers carry, pid and epoch are what the
// producer goes on with. The caller submits c and calls ended. t is locked.
func (ts *txns) end(t *txn, commit bool, pid int64, epoch, marker int16, c *storage.Commit) {
	now := time.Now().UnixMilli()
	for p := range t.parts {
		c.Mark(p.log, t.row.ProducerID, marker, commit, now)
	}
	if commit {
		for group, offsets := range t.row.Offsets {
			for key, row := range offsets {
				row.At = now
				c.Put(offsetsOf+group, key, encode(row))
			}
		}
	}
	c.Put(bucketTxns, t.id, encode(t.row.ended(commit, pid, epoch)))
	t.ending = true
}

// ended takes note of what became of end's commit.
func (ts *txns) ended(t *txn, commit bool, pid int64, epoch int16, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = false
	if err != nil {
		return // it goes on: the client tries again, or the timeout does
	}
	cancelTimer(t.timer)
	t.timer = nil
	t.row = t.row.ended(commit, pid, epoch)
	clear(t.parts)
}

// bumped returns the producer id and epoch that follow the transactional id's
// current ones, and what waits until they may be told. When the epochs are used
// up there is a new producer id.
func (ts *txns) bumped(t *txn) (pid int64, epoch int16, reserved func() error) {
	const lastEpoch = 32766 // 32767 is left for fencing
	if t.row.ProducerID >= 0 && t.row.Epoch < lastEpoch {
		return t.row.ProducerID, t.row.Epoch + 1, func() error { return nil }
	}
	pid, reserved = ts.newProducerID()
	return pid, 0, reserved
}

// armTimeout arranges for the transaction to be aborted when it has been open
// for its timeout. The producer is fenced.
func (ts *txns) armTimeout(t *txn) {
	left := time.Until(time.UnixMilli(t.row.Started)) + time.Duration(t.row.Timeout)*time.Millisecond
	started := t.row.Started
	pid := t.row.ProducerID
	t.timer = ts.b.timers.after(max(left, 0), func() { ts.expire(t, pid, started) })
}

const expireRetry = time.Second

func (ts *txns) expire(t *txn, pid, started int64) {
	t.mu.Lock()
	if t.row.State != txnOngoing || t.row.ProducerID != pid || t.row.Started != started {
		t.mu.Unlock()
		return
	}
	if t.ending {
		t.timer = ts.b.timers.after(expireRetry, func() { ts.expire(t, pid, started) })
		t.mu.Unlock()
		return
	}
	ts.b.log.Info("transaction timed out: aborted", "transactional_id", t.id, "timeout_ms", t.row.Timeout)
	wait := ts.abort(t)
	t.mu.Unlock()
	ts.b.tasks.Go(func() {
		if err := wait(); err != nil {
			ts.b.log.Warn("cannot abort a transaction that timed out", "transactional_id", t.id, "err", err)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.timer = ts.b.timers.after(expireRetry, func() { ts.expire(t, pid, started) })
		}
	})
}

// abort aborts the ongoing transaction of t and fences its producer. It returns
// what waits until that is on disk. t is locked and not ending.
func (ts *txns) abort(t *txn) (wait func() error) {
	pid, epoch, reserved := ts.bumped(t)
	c := &storage.Commit{}
	ts.end(t, false, pid, epoch, markerEpoch(t, pid, epoch), c)
	ts.b.store.Submit(c)
	return func() error {
		err := errors.Join(reserved(), c.Wait())
		ts.ended(t, false, pid, epoch, err)
		return err
	}
}

// hasPendingOffset says whether an open transaction would commit an offset for
// the group's partition.
func (ts *txns) hasPendingOffset(group, key string) bool {
	for _, t := range ts.all() {
		t.mu.Lock()
		_, pending := t.row.Offsets[group][key]
		t.mu.Unlock()
		if pending {
			return true
		}
	}
	return false
}

// all returns the transactional ids in order.
func (ts *txns) all() []*txn {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	out := make([]*txn, 0, len(ts.byID))
	for _, id := range slices.Sorted(maps.Keys(ts.byID)) {
		out = append(out, ts.byID[id])
	}
	return out
}

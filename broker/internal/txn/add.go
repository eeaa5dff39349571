package txn

import (
	"errors"
	"maps"
	"time"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Verify checks that a batch of producer p may be written to the partition in the
// transaction of id, which is nil in a request that has none. enlist adds the
// partition to the transaction, as newer versions of Produce do (KIP-890).
func (c *Coordinator) Verify(id *string, p Producer, part Partition, enlist bool) error {
	if id == nil {
		return kerr.InvalidTxnState
	}
	t := c.Lock(*id)
	if t == nil {
		return kerr.InvalidProducerIDMapping
	}
	defer t.mu.Unlock()
	if err := t.Check(p); err != nil {
		if errors.Is(err, kerr.ProducerFenced) {
			return kerr.InvalidProducerEpoch // the error that producers know
		}
		return err
	}
	if enlist {
		c.Enlist(t, part)
		return nil
	}
	if !t.Contains(part.Log) || t.row.State != Ongoing {
		return kerr.InvalidTxnState
	}
	return nil
}

// Enlist adds partitions to the transaction, starting one if none is ongoing. It
// submits the new state without waiting: the journal preserves the order of
// submission, so a batch that the producer writes afterwards cannot become durable
// before this state. t must be locked, so that successive states of t are submitted
// in order.
func (c *Coordinator) Enlist(t *Txn, parts ...Partition) {
	changed := t.row.State != Ongoing
	c.begin(t)
	for _, p := range parts {
		if t.Contains(p.Log) {
			continue
		}
		changed = true
		t.parts[p.Log] = struct{}{}
		if t.row.Partitions == nil {
			t.row.Partitions = map[string][]int32{}
		}
		t.row.Partitions[p.Topic] = append(t.row.Partitions[p.Topic], p.Index)
	}
	if changed {
		var commit storage.Commit
		t.persist(&commit)
		c.opt.Store.SubmitDeferred(&commit)
	}
}

// AddOffsets adds a group's offsets, by their keys, to the transaction, starting one
// if none is ongoing. They become the group's when the transaction commits. The
// returned function waits until they are durable; t is unlocked before it is called.
func (c *Coordinator) AddOffsets(t *Txn, group string, offsets map[string]rows.Offset) (wait func() error) {
	c.begin(t)
	if t.row.Offsets == nil {
		t.row.Offsets = map[string]map[string]rows.Offset{}
	}
	if t.row.Offsets[group] == nil {
		t.row.Offsets[group] = map[string]rows.Offset{}
	}
	maps.Copy(t.row.Offsets[group], offsets)
	commit := &storage.Commit{}
	t.persist(commit)
	c.opt.Store.Submit(commit)
	return commit.Wait
}

// begin makes the transaction ongoing. t is locked.
func (c *Coordinator) begin(t *Txn) {
	if t.row.State == Ongoing {
		return
	}
	t.row.State = Ongoing
	t.row.Started = time.Now().UnixMilli()
	t.row.Partitions, t.row.Offsets = nil, nil
	clear(t.parts)
	c.armTimeout(t)
}

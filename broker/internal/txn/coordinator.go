package txn

import (
	"github.com/sightlog/sightlog/broker/internal/rows"

	"github.com/sightlog/sightlog/broker/internal/timer"

	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Options are what a Coordinator takes from its broker.
type Options struct {
	Store      *storage.Store
	Timers     *timer.Set
	Log        *slog.Logger
	MaxTimeout time.Duration // the longest timeout that a transaction may ask for
	// Partition returns the log of a partition, or nil if it does not exist. It is
	// called by Load only.
	Partition func(topic string, index int32) *storage.Log
}

// Coordinator coordinates transactions (KIP-98, KIP-447, KIP-890).
//
// A transaction ends in one commit of the store, which holds the markers in every
// partition, the offsets and the coordinator's own state. So there is no prepared
// state, and a crash cannot leave half of an end.
type Coordinator struct {
	opt Options
	ids *producerIDs

	mu   sync.Mutex // guards byID; a Txn is locked after it is released
	byID map[string]*Txn

	aborts sync.WaitGroup // aborts by timeout that wait for the disk
}

// Load reads the transactional ids from the store. The timeouts of transactions
// that a restart interrupted continue.
func Load(opt Options) (*Coordinator, error) {
	ids, err := loadProducerIDs(opt.Store)
	if err != nil {
		return nil, err
	}
	c := &Coordinator{opt: opt, ids: ids, byID: map[string]*Txn{}}
	for id, value := range opt.Store.Bucket(rows.Txns) {
		t := &Txn{id: id, parts: map[*storage.Log]struct{}{}}
		if err := json.Unmarshal(value, &t.row); err != nil {
			return nil, fmt.Errorf("read transactional id %s: %w", id, err)
		}
		for topic, indexes := range t.row.Partitions {
			for _, i := range indexes {
				if l := opt.Partition(topic, i); l != nil {
					t.parts[l] = struct{}{}
				}
			}
		}
		c.byID[id] = t
		ids.used(t.row.ProducerID)
	}
	for _, t := range c.all() {
		t.mu.Lock()
		if t.row.State == Ongoing {
			c.armTimeout(t)
		}
		t.mu.Unlock()
	}
	return c, nil
}

// Wait waits for the aborts that timers began. It is called when the timers have
// stopped.
func (c *Coordinator) Wait() { c.aborts.Wait() }

// NewProducerID returns a producer id for a producer without a transactional id, and
// a function that waits until no other producer can be given it.
func (c *Coordinator) NewProducerID() (id int64, reserved func() error) { return c.ids.take() }

// Lock returns the transactional id, locked, or nil if it is unknown.
func (c *Coordinator) Lock(id string) *Txn {
	c.mu.Lock()
	t := c.byID[id]
	c.mu.Unlock()
	if t != nil {
		t.mu.Lock()
	}
	return t
}

// lockOrCreate is Lock for an id that becomes known by it.
func (c *Coordinator) lockOrCreate(id string) *Txn {
	c.mu.Lock()
	t := c.byID[id]
	if t == nil {
		t = newTxn(id)
		c.byID[id] = t
	}
	c.mu.Unlock()
	t.mu.Lock()
	return t
}

// all returns the transactional ids in order.
func (c *Coordinator) all() []*Txn {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*Txn, 0, len(c.byID))
	for _, id := range slices.Sorted(maps.Keys(c.byID)) {
		out = append(out, c.byID[id])
	}
	return out
}

// Describe returns the transactional ids that have a producer, in order.
func (c *Coordinator) Describe() (out []Description) {
	for _, t := range c.all() {
		t.mu.Lock()
		d := t.Describe()
		t.mu.Unlock()
		if d.Producer.ID >= 0 {
			out = append(out, d)
		}
	}
	return out
}

// HasPendingOffset reports whether an open transaction would commit an offset for
// the group's partition, which key names.
func (c *Coordinator) HasPendingOffset(group, key string) bool {
	for _, t := range c.all() {
		t.mu.Lock()
		_, pending := t.row.Offsets[group][key]
		t.mu.Unlock()
		if pending {
			return true
		}
	}
	return false
}

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

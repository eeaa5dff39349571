package txn

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/storage"
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

package txn

import (
	"slices"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// State is a transaction's state, by the name that ListTransactions gives it.
type State string

// The states. There is no prepared state: see Coordinator.
const (
	Empty          State = "Empty"
	Ongoing        State = "Ongoing"
	CompleteCommit State = "CompleteCommit"
	CompleteAbort  State = "CompleteAbort"
)

// Producer is a producer id with its epoch. An id of -1 is none.
type Producer struct {
	ID    int64
	Epoch int16
}

// NoProducer stands in a request for a producer that has no id yet.
var NoProducer = Producer{-1, -1}

// Partition is a partition that a transaction writes to.
type Partition struct {
	Topic string
	Index int32
	Log   *storage.Log
}

// Txn is a transactional id with its newest transaction. Coordinator.Lock returns it
// locked, and all of its methods require that.
type Txn struct {
	id string

	mu     sync.Mutex // guards the following
	row    txnRow
	ending bool                      // a commit that ends it is being written; row changes when it is durable
	timer  *time.Timer               // aborts it; nil unless it is ongoing
	parts  map[*storage.Log]struct{} // the logs of row.Partitions that still exist
}

// txnRow is a transactional id as the store has it.
type txnRow struct {
	ProducerID int64                             `json:"pid"`
	Epoch      int16                             `json:"epoch"`
	Timeout    int32                             `json:"timeout_ms"`
	State      State                             `json:"state"`
	Started    int64                             `json:"started,omitempty"` // ms
	Updated    int64                             `json:"updated,omitempty"` // ms
	Partitions map[string][]int32                `json:"partitions,omitempty"`
	Offsets    map[string]map[string]rows.Offset `json:"offsets,omitempty"` // by group and topic/partition
	// PrevID and PrevEpoch are the producer's before the last bump, by which a retry
	// is recognised.
	PrevID    int64 `json:"prev_pid"`
	PrevEpoch int16 `json:"prev_epoch"`
}

func newTxn(id string) *Txn {
	return &Txn{
		id:    id,
		row:   txnRow{ProducerID: -1, Epoch: -1, State: Empty, PrevID: -1, PrevEpoch: -1},
		parts: map[*storage.Log]struct{}{},
	}
}

// Unlock releases a transactional id that Lock returned. t may be nil.
func (t *Txn) Unlock() {
	if t != nil {
		t.mu.Unlock()
	}
}

// Check returns an error unless p is the transactional id's current producer and
// the transaction is not being ended. t may be nil: an unknown transactional id.
func (t *Txn) Check(p Producer) error {
	switch {
	case t == nil || t.row.ProducerID != p.ID:
		return kerr.InvalidProducerIDMapping
	case t.row.Epoch != p.Epoch:
		return kerr.ProducerFenced
	case t.ending:
		return kerr.ConcurrentTransactions
	}
	return nil
}

// Contains reports whether the partition with the log was added to the transaction.
func (t *Txn) Contains(l *storage.Log) bool {
	_, in := t.parts[l]
	return in
}

// persist adds the transactional id's state to a commit.
func (t *Txn) persist(c *storage.Commit) {
	t.row.Updated = time.Now().UnixMilli()
	c.Put(rows.Txns, t.id, rows.Encode(t.row))
}

func (r *txnRow) producer() Producer     { return Producer{r.ProducerID, r.Epoch} }
func (r *txnRow) prevProducer() Producer { return Producer{r.PrevID, r.PrevEpoch} }

// ended returns the state after the transaction's end; the producer continues as
// next.
func (r txnRow) ended(commit bool, next Producer) txnRow {
	r.State = CompleteAbort
	if commit {
		r.State = CompleteCommit
	}
	if r.producer() != next {
		r.PrevID, r.PrevEpoch = r.ProducerID, r.Epoch
	}
	r.ProducerID, r.Epoch = next.ID, next.Epoch
	r.Partitions, r.Offsets, r.Started, r.Updated = nil, nil, 0, time.Now().UnixMilli()
	return r
}

// markerEpoch returns the epoch of the markers of a transaction whose producer
// continues as next.
func (t *Txn) markerEpoch(next Producer) int16 {
	if next.ID != t.row.ProducerID {
		return t.row.Epoch
	}
	return next.Epoch
}

// Description is a transactional id as admin tools see it.
type Description struct {
	ID            string
	Producer      Producer
	State         State
	TimeoutMillis int32
	StartedMillis int64 // -1 unless it is ongoing
	Partitions    map[string][]int32
}

// Describe returns the transactional id's state.
func (t *Txn) Describe() Description {
	d := Description{t.id, t.row.producer(), t.row.State, t.row.Timeout, -1, map[string][]int32{}}
	for topic, indexes := range t.row.Partitions {
		d.Partitions[topic] = slices.Clone(indexes)
	}
	if d.State == Ongoing {
		d.StartedMillis = t.row.Started
	}
	return d
}

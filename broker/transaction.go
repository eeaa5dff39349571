package broker

import (
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

type txnState string

// The states, as ListTransactions names them.
const (
	txnEmpty          txnState = "Empty"
	txnOngoing        txnState = "Ongoing"
	txnCompleteCommit txnState = "CompleteCommit"
	txnCompleteAbort  txnState = "CompleteAbort"
)

// txn is a transactional id and its transaction.
type txn struct {
	id string

	mu     sync.Mutex // guards what follows
	row    txnRow
	ending bool        // a commit that ends it is being written
	timer  *time.Timer // aborts it
	parts  map[*partition]struct{}
}

// txnRow is how a transactional id is kept.
type txnRow struct {
	ProducerID int64                           `json:"pid"`
	Epoch      int16                           `json:"epoch"`
	Timeout    int32                           `json:"timeout_ms"`
	State      txnState                        `json:"state"`
	Started    int64                           `json:"started,omitempty"` // ms
	Updated    int64                           `json:"updated,omitempty"` // ms
	Partitions map[string][]int32              `json:"partitions,omitempty"`
	Offsets    map[string]map[string]offsetRow `json:"offsets,omitempty"` // by group and topic/partition
	// PrevID and PrevEpoch are what the producer had before the last bump,
	// to recognise a retry.
	PrevID    int64 `json:"prev_pid"`
	PrevEpoch int16 `json:"prev_epoch"`
}

func newTxn(id string) *txn {
	return &txn{
		id:    id,
		row:   txnRow{ProducerID: -1, Epoch: -1, State: txnEmpty, PrevID: -1, PrevEpoch: -1},
		parts: map[*partition]struct{}{},
	}
}

// check says whether the producer is the transactional id's current one. t may
// be nil.
func (t *txn) check(pid int64, epoch int16) error {
	switch {
	case t == nil || t.row.ProducerID != pid:
		return kerr.InvalidProducerIDMapping
	case t.row.Epoch != epoch:
		return kerr.ProducerFenced
	case t.ending:
		return kerr.ConcurrentTransactions
	}
	return nil
}

// keep adds the transactional id's state to a commit.
func (t *txn) keep(c *storage.Commit) {
	t.row.Updated = time.Now().UnixMilli()
	c.Put(bucketTxns, t.id, encode(t.row))
}

// ended returns the state after the end.
func (r txnRow) ended(commit bool, pid int64, epoch int16) txnRow {
	r.State = txnCompleteAbort
	if commit {
		r.State = txnCompleteCommit
	}
	if r.ProducerID != pid || r.Epoch != epoch {
		r.PrevID, r.PrevEpoch = r.ProducerID, r.Epoch
	}
	r.ProducerID, r.Epoch = pid, epoch
	r.Partitions, r.Offsets, r.Started, r.Updated = nil, nil, 0, time.Now().UnixMilli()
	return r
}

// markerEpoch is the epoch for the markers of a transaction whose producer
// goes on as pid and epoch.
func markerEpoch(t *txn, pid int64, epoch int16) int16 {
	if pid != t.row.ProducerID {
		return t.row.Epoch
	}
	return epoch
}

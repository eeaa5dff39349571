package storage

import (
	"math"
	"sort"
	"strconv"
	"time"
)

// A leader epoch is one lifetime of an open store: from Open to Close or a crash.
// Every batch carries the epoch in which it was appended, and a log stores the first
// offset of each epoch. So a client that knows the epoch of a record can detect that
// the log is no longer the one it read: the tail was lost, or an older copy was
// restored (KIP-101, KIP-279, KIP-320).
//
// An epoch's number is the time of the opening in seconds since 2020, or one more
// than the last epoch if the clock is not beyond that. A count of the openings would
// not be enough: a directory and its copy would both count on from the same number,
// and two histories would share epochs.

// epochZero is the second that epochs are counted from: 2020-01-01.
const epochZero = 1_577_836_800

// epochStart is an epoch and the offset of its first record in a log.
type epochStart struct {
	epoch int32
	start int64
}

// Bucket and key of the last epoch, for lifetimes without an append.
const (
	bucketStore = "store"
	keyEpoch    = "epoch"
)

// Epoch returns the leader epoch of this opening of the store.
func (s *Store) Epoch() int32 { return s.epoch }

// raiseEpoch sets the epoch of this opening. The number becomes durable with, or
// before, the first append that carries it.
func (s *Store) raiseEpoch() {
	last := int64(0)
	if v, ok := s.Get(bucketStore, keyEpoch); ok {
		last, _ = strconv.ParseInt(string(v), 10, 32)
	}
	for _, l := range s.logs {
		if n := len(l.epochs); n > 0 {
			last = max(last, int64(l.epochs[n-1].epoch))
		}
	}
	s.epoch = nextEpoch(last, s.opt.Now())
	var c Commit
	c.Put(bucketStore, keyEpoch, strconv.AppendInt(nil, int64(s.epoch), 10))
	s.SubmitDeferred(&c)
}

func nextEpoch(last int64, now time.Time) int32 {
	epoch := last + 1
	if clock := now.Unix() - epochZero; clock > epoch && clock <= math.MaxInt32 {
		epoch = clock
	}
	return int32(min(epoch, math.MaxInt32))
}

// noteEpoch records the start of a batch's epoch, if it is a new one. The log's mu
// is held.
func (l *Log) noteEpoch(b Batch) {
	if n := len(l.epochs); n == 0 || l.epochs[n-1].epoch < b.leaderEpoch() {
		l.epochs = append(l.epochs, epochStart{b.leaderEpoch(), b.base()})
	}
}

// trimEpochs drops the epochs that ended before the log's start. The caller
// holds mu.
func (l *Log) trimEpochs() {
	n := 0
	for n+1 < len(l.epochs) && l.epochs[n+1].start <= l.start {
		n++
	}
	l.epochs = append([]epochStart(nil), l.epochs[n:]...)
	if len(l.epochs) > 0 {
		l.epochs[0].start = max(l.epochs[0].start, l.start)
	}
}

// EndOfEpoch returns the largest epoch up to the asked one that the log has
// records of, and the offset at which it ended, as OffsetForLeaderEpoch
// (KIP-320) defines them. current is the epoch of the store, which begins at
// the log's end while nothing was appended in it. An epoch beyond it is not
// known: -1, -1. One before all that the log knows ended where those begin.
func (l *Log) EndOfEpoch(asked, current int32) (epoch int32, end int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case asked < 0 || asked > current:
		return -1, -1
	case asked == current:
		return current, l.end
	}
	i := sort.Search(len(l.epochs), func(i int) bool { return l.epochs[i].epoch > asked })
	epoch, end = asked, l.end
	if i > 0 {
		epoch = l.epochs[i-1].epoch
	}
	if i < len(l.epochs) {
		end = l.epochs[i].start
	}
	return epoch, end
}

// EpochAt returns the leader epoch of the record at an offset, and for the
// log's end current.
func (l *Log) EpochAt(off int64, current int32) int32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if off >= l.end {
		return current
	}
	i := sort.Search(len(l.epochs), func(i int) bool { return l.epochs[i].start > off })
	if i == 0 {
		return -1
	}
	return l.epochs[i-1].epoch
}

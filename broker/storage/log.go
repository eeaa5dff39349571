package storage

import (
	"errors"
	"sort"
	"sync"
	"sync/atomic"
)

// Log is one partition's log: record batches in offset order, split into
// segments. Only the committer writes it. Readers see what has been committed.
type Log struct {
	id   uint64
	name string // of its directory
	dir  string
	fs   FS
	conf atomic.Pointer[LogConfig]

	// Owned by the committer.
	staged   staged // where the next batch goes, ahead of what readers see
	incoming int    // bytes of the current group's batches for this log
	dirDirty bool   // the directory has entries that were not synced

	// mu guards the following fields and those of the segments that say so. Except
	// waiters and closed, only the committer changes them.
	mu sync.RWMutex

	segments  []*segment      // by base; the last is the active one, if there is any
	start     int64           // the first offset that readers may read
	end       int64           // one past the last committed offset: the high watermark
	open      map[int64]int64 // producer id to the first offset of its open transaction
	aborted   []AbortedTxn    // by Last
	epochs    []epochStart    // both columns only grow
	producers map[int64]*producer
	waiters   map[chan<- struct{}]struct{}
	dropped   bool
	closed    bool  // the store is closed
	cleaned   int64 // offset up to which the log is compacted
	horizon   int64 // ms, earliest time at which a compaction can drop a tombstone or marker
}

// staged is the position of the next append. It is ahead of the log by the commit
// group that is being written, and rolled back if that group fails.
type staged struct {
	end int64
	seg *segment // nil before the first batch
	pos int64

	dropped bool
}

// LogConfig has a log's segment limits.
type LogConfig struct {
	SegmentBytes int64 // a new segment begins before one grows beyond this
	SegmentAge   int64 // ms, longest time between the first and the last record of a segment
}

// Errors of reads and writes of a log.
var (
	ErrOutOfRange = errors.New("offset is out of the log's range")
	ErrDropped    = errors.New("log was deleted")
)

func newLog(fs FS, id uint64, name, dir string) *Log {
	l := &Log{
		id: id, name: name, dir: dir, fs: fs,
		open:      map[int64]int64{},
		producers: map[int64]*producer{},
		waiters:   map[chan<- struct{}]struct{}{},
		horizon:   noHorizon,
	}
	l.conf.Store(&LogConfig{SegmentBytes: 1 << 30, SegmentAge: 7 * 24 * 3600 * 1000})
	return l
}

// Configure sets the segment limits, in effect from the next append on.
func (l *Log) Configure(c LogConfig) { l.conf.Store(&c) }

// close marks the log as closed, so that reads return ErrClosed, and returns its
// segments.
func (l *Log) close() []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.notify()
	return l.segments
}

// Dir returns the log's directory.
func (l *Log) Dir() string { return l.dir }

// Start returns the first offset that can be read.
func (l *Log) Start() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start
}

// End returns the high watermark: one past the last offset.
func (l *Log) End() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.end
}

// stable returns the last stable offset: the end, or the first offset of the oldest
// open transaction. mu is held.
func (l *Log) stable() int64 {
	s := l.end
	for _, first := range l.open {
		s = min(s, first)
	}
	return s
}

// Bounds are a log's offsets at one moment.
type Bounds struct{ Start, Stable, End int64 }

// Bounds returns the log's offsets.
func (l *Log) Bounds() Bounds {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return Bounds{l.start, l.stable(), l.end}
}

// Size returns the bytes of the log's segments.
func (l *Log) Size() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var n int64
	for _, g := range l.segments {
		n += g.size
	}
	return n
}

// Watch sends on ch, without blocking, whenever the log changes, until
// Unwatch. A channel of capacity one misses nothing.
func (l *Log) Watch(ch chan<- struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters[ch] = struct{}{}
}

// Unwatch ends Watch.
func (l *Log) Unwatch(ch chan<- struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiters, ch)
}

func (l *Log) notify() {
	for ch := range l.waiters {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Aborted returns the aborted transactions with records in [from, to).
func (l *Log) Aborted(from, to int64) []AbortedTxn {
	l.mu.RLock()
	defer l.mu.RUnlock()
	i := sort.Search(len(l.aborted), func(i int) bool { return l.aborted[i].Last >= from })
	var out []AbortedTxn
	for _, a := range l.aborted[i:] {
		if a.First < to {
			out = append(out, a)
		}
	}
	return out
}

// Producers returns the state of the log's active producers.
func (l *Log) Producers() []ProducerState {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]ProducerState, 0, len(l.producers))
	for pid, p := range l.producers {
		s := ProducerState{ProducerID: pid, Epoch: p.epoch, LastSequence: -1, LastTime: p.lastTime, TxnStart: -1}
		if p.n > 0 {
			s.LastSequence = p.lastSequence()
		}
		if first, ok := l.open[pid]; ok {
			s.TxnStart = first
		}
		out = append(out, s)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].ProducerID < out[b].ProducerID })
	return out
}

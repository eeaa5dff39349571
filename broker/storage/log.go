package storage

import (
	"errors"
	"sort"
	"sync"
	"sync/atomic"
)

// Log is one partition's log: batches in offset order, split into segments.
// The committer alone writes it; readers see what has been committed.
type Log struct {
	id   uint64
	name string // of its directory
	dir  string
	fs   FS
	conf atomic.Pointer[LogConfig]

	// The committer's, ahead of what readers see while a group is written.
	staged   staged
	incoming int  // bytes of the group's batches for this log
	born     bool // has segments whose names may not be durable

	mu sync.RWMutex // guards what follows and the segments' numbers

	segments  []*segment // by base; the last is the active one, if there is any
	start     int64      // the first offset that readers may read
	end       int64      // one past the last committed offset: the high watermark
	open      map[int64]int64
	aborted   []AbortedTxn // by Last
	epochs    []epochStart // both columns only grow
	producers map[int64]*producer
	waiters   map[chan<- struct{}]struct{}
	dropped   bool
	closed    bool  // the store was
	cleaned   int64 // offset up to which the log was compacted
	horizon   int64 // ms, when a compaction can next drop a tombstone or marker
}

// staged is where the next batch goes: it runs ahead of the log by the group
// that is being written.
type staged struct {
	end int64
	seg *segment // nil before the first batch
	pos int64

	dropped bool
}

// LogConfig is what a log is told about its shape.
type LogConfig struct {
	SegmentBytes int64 // a segment is left for the next before it grows beyond this
	SegmentAge   int64 // ms between a segment's first record and the last it takes
}

// Reading and writing a log may fail with these.
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

// Configure changes the log's shape from the next write on.
func (l *Log) Configure(c LogConfig) { l.conf.Store(&c) }

// close makes readers find the log closed and returns its segments.
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

// Stable returns the last stable offset: the end, or the first offset of the
// oldest open transaction.
func (l *Log) Stable() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.stable()
}

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

// Producers describes the producers that the log remembers.
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

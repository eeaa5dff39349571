package storage

import (
	"errors"
	"fmt"
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
	staged staged
	born   bool // has segments whose names may not be durable

	mu sync.RWMutex // guards what follows and the segments' numbers

	segments  []*segment // by base; the last is the active one, if there is any
	start     int64      // the first offset that readers may read
	end       int64      // one past the last committed offset: the high watermark
	open      map[int64]int64
	aborted   []AbortedTxn // by Last
	producers map[int64]*producer
	waiters   map[chan<- struct{}]struct{}
	dropped   bool
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

// find returns the segment that holds off, or the first after it.
func (l *Log) find(off int64) (i int) {
	i = sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base > off })
	if i > 0 && l.segments[i-1].end > off {
		return i - 1
	}
	return i
}

// Read returns whole batches from the one that holds off up to limit (an
// offset), about max bytes of them but always at least one when there is one.
// They are read into what alloc, called once at most, returns for a length; nil
// makes a new slice. An offset at the end reads nothing; one outside the log is
// ErrOutOfRange.
func (l *Log) Read(alloc func(n int) []byte, off, limit int64, maxBytes int) ([]byte, error) {
	if alloc == nil {
		alloc = func(n int) []byte { return make([]byte, n) }
	}
	for {
		out, err := l.read(alloc, off, limit, maxBytes)
		if !errors.Is(err, errGone) {
			return out, err
		}
		// A segment was removed or replaced since it was found: look again.
	}
}

func (l *Log) read(alloc func(int) []byte, off, limit int64, maxBytes int) ([]byte, error) {
	l.mu.RLock()
	if l.dropped {
		l.mu.RUnlock()
		return nil, ErrDropped
	}
	if off < l.start || off > l.end {
		l.mu.RUnlock()
		return nil, fmt.Errorf("%w: %d is not in [%d, %d]", ErrOutOfRange, off, l.start, l.end)
	}
	limit = min(limit, l.end)
	type part struct {
		g    *segment
		size int64
	}
	var parts []part // from the one that may hold off on: compaction leaves gaps
	for _, g := range l.segments[l.find(off):] {
		if off < limit && g.size > 0 && g.base < limit {
			parts = append(parts, part{g, g.size})
			if g.base > off {
				break
			}
		}
	}
	l.mu.RUnlock()
	for _, p := range parts {
		out, found, err := p.g.read(alloc, p.size, off, limit, maxBytes)
		if found || err != nil {
			return out, err
		}
	}
	return nil, nil
}

// read reads whole batches from the one that holds off, or the next. It has
// not found any if the segment has none.
func (g *segment) read(alloc func(int) []byte, size, off, limit int64, maxBytes int) (out []byte, found bool, err error) {
	done, err := g.use()
	if err != nil {
		return nil, false, err
	}
	defer done()
	pos, err := g.lookup(size, func(e indexEntry) bool { return g.base+int64(e.rel) <= off })
	if err != nil {
		return nil, false, err
	}
	first := 0
	err = g.scan(pos, size, func(h Batch, at int64) bool {
		pos, first, found = at, h.size(), h.last() >= off
		return !found
	})
	if err != nil || !found {
		return nil, false, err
	}
	n := int(min(int64(max(first, maxBytes)), size-pos))
	buf := alloc(n)
	if _, err := g.file.ReadAt(buf, pos); err != nil {
		return nil, true, fmt.Errorf("read %s.log: %w", g.path, err)
	}
	return buf[:whole(buf, limit)], true, nil
}

// whole returns the length of the whole batches in p whose base is below limit.
func whole(p []byte, limit int64) int {
	n := 0
	for len(p)-n >= batchHeader {
		b := Batch(p[n:])
		if b.size() < batchHeader || b.size() > len(b) || b.base() >= limit {
			break
		}
		n += b.size()
	}
	return n
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

// BatchAt says where records with a timestamp may be.
type BatchAt struct {
	Base    int64
	MaxTime int64 // ms
}

// Search returns the first batch, at or after the log's start and below limit,
// that has a record with a timestamp of at least ms.
func (l *Log) Search(ms, limit int64) (at BatchAt, found bool, err error) {
	l.mu.RLock()
	start := l.start
	segments := append([]*segment(nil), l.segments...)
	sizes := make([]int64, len(segments))
	maxTimes := make([]int64, len(segments))
	for i, g := range segments {
		sizes[i], maxTimes[i] = g.size, g.maxTime
	}
	l.mu.RUnlock()
	for i, g := range segments {
		if maxTimes[i] < ms || sizes[i] == 0 {
			continue
		}
		done, err := g.use()
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return at, false, err
		}
		pos, err := g.lookup(sizes[i], func(e indexEntry) bool { return e.maxTime < ms })
		if err == nil {
			err = g.scan(pos, sizes[i], func(h Batch, _ int64) bool {
				if h.maxTime() < ms || h.last() < start {
					return true
				}
				at, found = BatchAt{h.base(), h.maxTime()}, h.base() < limit
				return false
			})
		}
		done()
		if err != nil || found {
			return at, found, err
		}
	}
	return at, false, nil
}

// Latest returns the batch with the largest timestamp.
func (l *Log) Latest() (at BatchAt, found bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, g := range l.segments {
		if g.size > 0 && (!found || g.maxTime > at.MaxTime) {
			at, found = BatchAt{g.maxTimeAt, g.maxTime}, true
		}
	}
	return at, found
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

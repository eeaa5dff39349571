package storage

import (
	"errors"
	"fmt"
	"sort"
)

// segmentIndex returns the index of the segment that contains off, or of the first
// one after it. The log's mu is held.
func (l *Log) segmentIndex(off int64) (i int) {
	i = sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base > off })
	if i > 0 && l.segments[i-1].end > off {
		return i - 1
	}
	return i
}

// readable returns nil, or the error of every further read. While it is nil, a
// segment that is errGone has been replaced or has expired: look it up again. The
// log's mu is held.
func (l *Log) readable() error {
	switch {
	case l.dropped:
		return ErrDropped
	case l.closed:
		return ErrClosed
	}
	return nil
}

// Read returns complete batches, from the one that contains off up to the offset
// limit: about maxBytes of them, but at least one if there is one. alloc is called at
// most once and returns the buffer for a length; if it is nil, a slice is allocated.
// At the log's end Read returns nothing; outside the log it returns ErrOutOfRange.
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
	if err := l.readable(); err != nil {
		l.mu.RUnlock()
		return nil, err
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
	// More than one: compaction leaves gaps, so that the segment that covers off
	// may have no batch at or after it.
	var parts []part
	for _, g := range l.segments[l.segmentIndex(off):] {
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

// read returns complete batches, from the one that contains off, or the next. found
// is false if the segment has none.
func (g *segment) read(alloc func(int) []byte, size, off, limit int64, maxBytes int) (out []byte, found bool, err error) {
	done, err := g.acquire()
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
	return buf[:wholeBatches(buf, limit)], true, nil
}

// wholeBatches returns the length of the complete batches at the beginning of p
// whose base offsets are below limit.
func wholeBatches(p []byte, limit int64) int {
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

// BatchAt is the base offset and the largest timestamp of a batch.
type BatchAt struct {
	Base    int64
	MaxTime int64 // ms
}

// Search returns the first batch, at or after the log's start and below limit,
// that has a record with a timestamp of at least ms.
func (l *Log) Search(ms, limit int64) (at BatchAt, found bool, err error) {
	for {
		if at, found, err = l.search(ms, limit); !errors.Is(err, errGone) {
			return at, found, err
		}
		// As in Read: its records are in another segment now, or expired.
	}
}

func (l *Log) search(ms, limit int64) (at BatchAt, found bool, err error) {
	l.mu.RLock()
	if err := l.readable(); err != nil {
		l.mu.RUnlock()
		return at, false, err
	}
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
		done, err := g.acquire()
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

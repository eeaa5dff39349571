package storage

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// segment is one file of a log and its index. Offsets and positions below size
// are final but for compaction, which replaces the whole segment.
type segment struct {
	fs   FS
	path string // without extension
	base int64

	// What the log's lock guards.
	size      int64
	end       int64 // one past the last offset written
	maxTime   int64 // ms, noTime for an empty segment
	maxTimeAt int64 // offset of the batch that has maxTime
	born      int64 // ms, first batch's maxTime or, if that is earlier, when it was written; noTime for an empty segment
	dirty     bool  // has bytes that were not synced

	// settled: closed, and all of it is in a checkpoint, so that recovery will
	// not write it.
	settled atomic.Bool

	// ahead is when youngest first met a record from the future, in ms.
	ahead atomic.Int64

	// The committer's.
	reserved int64 // bytes allocated on disk
	named    bool  // known to be durable in its directory

	syncMu  sync.Mutex // held by a sync; guards syncErr
	syncErr error      // of the first sync that failed: none after it proves anything

	life   sync.RWMutex // guards the files against being closed under a reader
	file   File
	idx    File
	gone   bool
	idxMu  sync.Mutex // guards index
	index  index
	opener sync.Mutex // guards opening the files
}

const noTime = math.MinInt64

var errGone = errors.New("segment was removed")

func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d", base))
}

func newSegment(fs FS, dir string, base int64) *segment {
	return &segment{fs: fs, path: segmentPath(dir, base), base: base, end: base, maxTime: noTime, born: noTime}
}

// youngest returns the time of the segment's youngest record. A producer's clock
// may be years ahead: a record from the future is as old as the first call that
// met it. Closed segments alone are asked: nothing younger is added to them. The
// log's lock is held.
func (g *segment) youngest(now int64) int64 {
	if g.maxTime <= now {
		return g.maxTime
	}
	g.ahead.CompareAndSwap(0, now)
	return min(g.ahead.Load(), now)
}

// open opens the files, creating them if they are not there.
func (g *segment) open() error {
	g.opener.Lock()
	defer g.opener.Unlock()
	if g.file != nil {
		return nil
	}
	file, err := g.fs.OpenFile(g.path+".log", os.O_RDWR|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	idx, err := g.fs.OpenFile(g.path+".index", os.O_RDWR|os.O_CREATE)
	if err != nil {
		file.Close()
		return fmt.Errorf("open index: %w", err)
	}
	g.file, g.idx = file, idx
	return nil
}

// use keeps the files open until done is called.
func (g *segment) use() (done func(), err error) {
	g.life.RLock()
	if g.gone {
		g.life.RUnlock()
		return nil, errGone
	}
	if err := g.open(); err != nil {
		g.life.RUnlock()
		return nil, err
	}
	return g.life.RUnlock, nil
}

// close waits for readers and closes the files.
func (g *segment) close() {
	g.life.Lock()
	defer g.life.Unlock()
	g.gone = true
	if g.file != nil {
		g.file.Close()
		g.idx.Close()
		g.file, g.idx = nil, nil
	}
}

// remove closes the segment and removes its files.
func (g *segment) remove() error {
	g.close()
	return errors.Join(g.fs.Remove(g.path+".log"), g.fs.Remove(g.path+".index"))
}

// reserve allocates room for n more bytes at pos, in steps that grow with the
// segment, so that a full disk shows before the journal has taken the batch.
func (g *segment) reserve(pos int64, n int, limit int64) error {
	need := pos + int64(n)
	if need <= g.reserved {
		return nil
	}
	done, err := g.use()
	if err != nil {
		return err
	}
	defer done()
	step := min(max(pos, 64<<10), 8<<20)
	to := max(need, min(need+step, limit))
	if err := g.file.Allocate(pos, to-pos); err != nil {
		return fmt.Errorf("reserve space for segment: %w", err)
	}
	g.reserved = to
	return nil
}

// write puts one batch at pos. It is visible to readers once the log says so.
func (g *segment) write(b Batch, pos int64) error {
	done, err := g.use()
	if err != nil {
		return err
	}
	defer done()
	if _, err := g.file.WriteAt(b, pos); err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	return nil
}

// added takes note of a batch that was written at pos, at the time now. The log's
// lock is held.
func (g *segment) added(b Batch, pos, now int64) {
	g.idxMu.Lock()
	g.index.note(uint32(b.base()-g.base), uint32(pos), g.maxTime)
	g.idxMu.Unlock()
	if b.maxTime() > g.maxTime {
		g.maxTime, g.maxTimeAt = b.maxTime(), b.base()
	}
	if g.born == noTime {
		g.born = min(b.maxTime(), now)
	}
	g.size = pos + int64(b.size())
	g.end = b.last() + 1
	g.dirty = true
	g.settled.Store(false)
}

// sync makes the segment's data and index durable up to what they hold now.
func (g *segment) sync() error {
	done, err := g.use()
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	if err := g.datasync(); err != nil {
		return err
	}
	g.idxMu.Lock()
	from, recent := g.index.stored, g.index.recent
	g.idxMu.Unlock()
	if len(recent) == 0 {
		return nil
	}
	buf := make([]byte, 0, len(recent)*indexEntrySize)
	for _, e := range recent {
		buf = e.append(buf)
	}
	if _, err := g.idx.WriteAt(buf, int64(from)*indexEntrySize); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if err := failedRewrite("index", g.idx.Datasync()); err != nil {
		return err
	}
	g.idxMu.Lock()
	g.index.stored += len(recent)
	g.index.recent = append([]indexEntry(nil), g.index.recent[len(recent):]...)
	g.idxMu.Unlock()
	return nil
}

// syncData makes the segment's data durable, what lies beyond its size too.
func (g *segment) syncData() error {
	done, err := g.use()
	if err != nil {
		return err
	}
	defer done()
	return g.datasync()
}

// datasync is for who holds the files open. The checkpoint's goroutine and the
// committer may both call it: the kernel reports a failure to one of them.
func (g *segment) datasync() error {
	g.syncMu.Lock()
	defer g.syncMu.Unlock()
	if g.syncErr != nil {
		return g.syncErr
	}
	if err := g.file.Datasync(); err != nil {
		g.syncErr = failedSync("segment", err)
	}
	return g.syncErr
}

// lookup returns a position at or before the first batch for which before does
// not hold. An index that turns out to be wrong is made anew first; size is the
// segment's.
func (g *segment) lookup(size int64, before func(indexEntry) bool) (int64, error) {
	g.idxMu.Lock()
	x := g.index
	g.idxMu.Unlock()
	e, err := x.last(g.idx, before)
	if err == nil && g.confirms(e, size) {
		return int64(e.pos), nil
	}
	if err := g.reindex(size); err != nil {
		return 0, err
	}
	g.idxMu.Lock()
	x = g.index
	g.idxMu.Unlock()
	e, err = x.last(g.idx, before)
	return int64(e.pos), err
}

// confirms says whether the batch that the entry names is where it says.
func (g *segment) confirms(e indexEntry, size int64) bool {
	if e.pos == 0 {
		return true
	}
	h := make(Batch, batchHeader)
	if int64(e.pos) >= size {
		return false
	}
	if _, err := g.file.ReadAt(h, int64(e.pos)); err != nil {
		return false
	}
	return h.magic() == 2 && h.base() == g.base+int64(e.rel)
}

// reindex makes the index anew from the segment's first size bytes. The next
// checkpoint that has to sync the segment writes it.
func (g *segment) reindex(size int64) error {
	var x index
	maxTime := int64(noTime)
	err := g.scan(0, size, func(h Batch, pos int64) bool {
		x.note(uint32(h.base()-g.base), uint32(pos), maxTime)
		maxTime = max(maxTime, h.maxTime())
		return true
	})
	if err != nil {
		return err
	}
	g.idxMu.Lock()
	defer g.idxMu.Unlock()
	for _, e := range g.index.recent { // what was written meanwhile
		if int64(e.pos) >= size {
			x.recent = append(x.recent, e)
		}
	}
	x.next = max(x.next, g.index.next)
	g.index = x
	return nil
}

// scan calls fn with the header of each batch in [pos, limit) and its
// position, until fn returns false.
func (g *segment) scan(pos, limit int64, fn func(h Batch, pos int64) bool) error {
	var buf [4096]byte
	var have []byte // of buf, bytes from at on
	var at int64
	for pos < limit {
		if i := pos - at; have == nil || i < 0 || i+batchHeader > int64(len(have)) {
			n, err := g.file.ReadAt(buf[:min(int64(len(buf)), limit-pos)], pos)
			if n < batchHeader {
				if err == nil || errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				return fmt.Errorf("read %s.log at %d: %w", g.path, pos, err)
			}
			have, at = buf[:n], pos
		}
		h := Batch(have[pos-at : pos-at+batchHeader])
		if h.size() < batchHeader || h.magic() != 2 {
			return fmt.Errorf("read %s.log at %d: %w: not a record batch", g.path, pos, ErrCorrupt)
		}
		if !fn(h, pos) {
			return nil
		}
		pos += int64(h.size())
	}
	return nil
}

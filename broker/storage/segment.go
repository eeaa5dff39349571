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

// segment is one file of a log and its index. Bytes below size never change;
// compaction replaces the segment as a whole. Bytes beyond size are not part of
// the log: see direct.go.
type segment struct {
	fs   FS
	path string // without extension
	base int64

	// Guarded by the log's mu, except in a segment that no log has yet.
	size           int64
	end            int64 // one past the last offset written
	maxTime        int64 // ms, noTime for an empty segment
	maxTimeAt      int64 // offset of the batch that has maxTime
	firstBatchTime int64 // ms, the smaller of the first batch's maxTime and the time of its append; noTime for an empty segment
	dirty          bool  // has bytes that were not synced

	// checkpointed is true for a closed segment that a checkpoint covers
	// completely, so that recovery will not write to it. Compaction rewrites only
	// such segments.
	checkpointed atomic.Bool

	// ahead is the time, in ms, at which youngest first met a timestamp in the
	// future; 0 if it has not.
	ahead atomic.Int64

	// Owned by the committer.
	reserved  int64 // bytes allocated on disk
	dirSynced bool  // the directory entry is durable

	// syncMu is held during an fdatasync and guards syncErr, the error of the
	// first that failed: a later one that succeeds proves nothing.
	syncMu  sync.Mutex
	syncErr error

	// filesMu is held for reading while the files are used, so that they are not
	// closed meanwhile. removed is set when they are closed for good.
	filesMu sync.RWMutex
	file    File
	idx     File
	removed bool
	openMu  sync.Mutex // serialises opening the files; they are opened on first use

	idxMu sync.Mutex // guards index
	index index
}

const noTime = math.MinInt64

var errGone = errors.New("segment was removed")

func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d", base))
}

func newSegment(fs FS, dir string, base int64) *segment {
	return &segment{fs: fs, path: segmentPath(dir, base), base: base, end: base, maxTime: noTime, firstBatchTime: noTime}
}

// youngest returns the timestamp of the segment's youngest record. A producer's
// clock may be years ahead: a timestamp in the future counts as the time of the
// first call that met it. It is called for closed segments only, which get no
// younger records. The log's mu is held.
func (g *segment) youngest(now int64) int64 {
	if g.maxTime <= now {
		return g.maxTime
	}
	g.ahead.CompareAndSwap(0, now)
	return min(g.ahead.Load(), now)
}

// open opens the files, and creates those that do not exist.
func (g *segment) open() error {
	g.openMu.Lock()
	defer g.openMu.Unlock()
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

// acquire opens the files if necessary and keeps them open until done is called.
// It returns errGone for a segment that was closed.
func (g *segment) acquire() (done func(), err error) {
	g.filesMu.RLock()
	if g.removed {
		g.filesMu.RUnlock()
		return nil, errGone
	}
	if err := g.open(); err != nil {
		g.filesMu.RUnlock()
		return nil, err
	}
	return g.filesMu.RUnlock, nil
}

// close waits for readers and closes the files.
func (g *segment) close() {
	g.filesMu.Lock()
	defer g.filesMu.Unlock()
	g.removed = true
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

// reserve allocates disk space for n bytes at pos, in steps that grow with the
// segment, so that a full disk is found before the batch is in the journal.
func (g *segment) reserve(pos int64, n int, limit int64) error {
	need := pos + int64(n)
	if need <= g.reserved {
		return nil
	}
	done, err := g.acquire()
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

// write writes one batch at pos. Readers do not see it before appended has moved
// size beyond it.
func (g *segment) write(b Batch, pos int64) error {
	done, err := g.acquire()
	if err != nil {
		return err
	}
	defer done()
	if _, err := g.file.WriteAt(b, pos); err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	return nil
}

// appended updates the segment after a batch was written at pos, at the time now.
// The log's mu is held for writing.
func (g *segment) appended(b Batch, pos, now int64) {
	g.idxMu.Lock()
	g.index.addEntry(uint32(b.base()-g.base), uint32(pos), g.maxTime)
	g.idxMu.Unlock()
	if b.maxTime() > g.maxTime {
		g.maxTime, g.maxTimeAt = b.maxTime(), b.base()
	}
	if g.firstBatchTime == noTime {
		g.firstBatchTime = min(b.maxTime(), now)
	}
	g.size = pos + int64(b.size())
	g.end = b.last() + 1
	g.dirty = true
	g.checkpointed.Store(false)
}

// sync makes the segment's data durable, and the index entries that exist when it
// is called.
func (g *segment) sync() error {
	done, err := g.acquire()
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

// syncData makes the segment's data durable, including direct writes beyond size.
func (g *segment) syncData() error {
	done, err := g.acquire()
	if err != nil {
		return err
	}
	defer done()
	return g.datasync()
}

// datasync syncs the data file; the caller has acquired the segment. The
// checkpoint's goroutine and the committer may both call it, and the kernel reports
// a failure to only one of them, so the first error is stored for the other.
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

// lookup returns a position at or before the first batch for which before is
// false. size is the segment's. The index is not covered by a checksum: an entry
// is verified against the segment, and if it is wrong the index is rebuilt.
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

// confirms reports whether the segment has the batch that the entry names at the
// entry's position.
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

// reindex rebuilds the index from the segment's first size bytes. It is in memory
// until the next checkpoint that syncs the segment writes it.
func (g *segment) reindex(size int64) error {
	var x index
	maxTime := int64(noTime)
	err := g.scan(0, size, func(h Batch, pos int64) bool {
		x.addEntry(uint32(h.base()-g.base), uint32(pos), maxTime)
		maxTime = max(maxTime, h.maxTime())
		return true
	})
	if err != nil {
		return err
	}
	g.idxMu.Lock()
	defer g.idxMu.Unlock()
	for _, e := range g.index.recent { // of batches appended since the scan began
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

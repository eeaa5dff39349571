package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"slices"
)

// replacement is the journal operation of a compaction. It replaces adjacent
// segments by one new segment, which takes over the base offset, and so the file
// name, of the first. A final replacement has no segment: it records up to which
// offset the log is now compacted.
//
// Order on disk:
//
//  1. write the new segment under a temporary name; sync it and its directory
//  2. commit the replacement
//  3. rename the new segment over the first, remove the others
//
// Step 3 is idempotent; recovery repeats it when it has replayed the journal
// (recovery.go). After ErrFailed in step 2 the journal may have the replacement or
// not: the new segment and the old ones are left as they are.
type replacement struct {
	bases   []int64
	suffix  uint64 // of the new segment's files
	with    *segment
	markers []int64 // offsets of the transaction markers that were dropped, in order

	final   bool
	cleaned int64
	horizon int64
}

func (c *Commit) replace(l *Log, r *replacement) {
	c.add(op{kind: opReplace, log: l, replaced: r}, 256)
}

func (r *replacement) encode(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.bases)))
	for _, base := range r.bases {
		b = binary.AppendUvarint(b, uint64(base))
	}
	if len(r.bases) > 0 {
		b = binary.AppendUvarint(b, r.suffix)
		b = r.with.encode(b)
	}
	b = binary.AppendUvarint(b, uint64(len(r.markers)))
	for _, off := range r.markers {
		b = binary.AppendUvarint(b, uint64(off))
	}
	if !r.final {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.AppendVarint(b, r.cleaned)
	return binary.AppendVarint(b, r.horizon)
}

func (l *Log) decodeReplacement(d *decoder) *replacement {
	r := &replacement{}
	for range d.count(1) {
		r.bases = append(r.bases, int64(d.uvarint()))
	}
	if len(r.bases) > 0 {
		r.suffix = d.uvarint()
		r.with = decodeSegment(d, l.fs, l.dir)
	}
	for range d.count(1) {
		r.markers = append(r.markers, int64(d.uvarint()))
	}
	if d.byte() == 1 {
		r.final, r.cleaned, r.horizon = true, d.varint(), d.varint()
	} else if len(r.bases) == 0 {
		d.fail("replacement")
	}
	return r
}

// applyReplace puts the new segment in the place of the old ones, which it closes
// and returns. It returns false if retention has removed one of those: the new
// segment is then not part of the log. The caller renames and removes the files.
func (l *Log) applyReplace(r *replacement) (old []*segment, applied bool) {
	l.mu.Lock()
	i := slices.IndexFunc(l.segments, func(g *segment) bool { return g.base == r.bases[0] })
	n := len(r.bases)
	if i < 0 || i+n > len(l.segments) {
		l.mu.Unlock()
		return nil, false
	}
	old = slices.Clone(l.segments[i : i+n])
	l.segments = slices.Replace(slices.Clone(l.segments), i, i+n, r.with)
	l.aborted = slices.DeleteFunc(slices.Clone(l.aborted), func(a AbortedTxn) bool {
		_, gone := slices.BinarySearch(r.markers, a.Last)
		return gone
	})
	l.dirDirty = true // the rename has to be durable before the journal is recycled
	l.mu.Unlock()
	for _, g := range old {
		g.close()
	}
	return old, true
}

// applyFinal records how far the log is compacted.
func (l *Log) applyFinal(r *replacement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cleaned, l.horizon = r.cleaned, r.horizon
}

// replaceNow is called by the committer with a durable replacement.
func (l *Log) replaceNow(r *replacement) error {
	if r.final {
		l.applyFinal(r)
		return nil
	}
	old, applied := l.applyReplace(r)
	if !applied {
		return r.with.removeAs(r.suffix)
	}
	if err := r.with.takeName(r.suffix); err != nil {
		return err
	}
	if err := r.with.checkSize(); err != nil {
		return err
	}
	for _, g := range old[1:] {
		if err := g.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove compacted segment: %w", err)
		}
	}
	return nil
}

func suffixed(path, kind string, suffix uint64) string {
	return fmt.Sprintf("%s.%s.%016x", path, kind, suffix)
}

// takeName renames the segment's files from their temporary names. Files that do
// not exist were renamed before, or are missing: checkSize finds out.
func (g *segment) takeName(suffix uint64) error {
	for _, kind := range []string{"index", "log"} {
		err := g.fs.Rename(suffixed(g.path, kind, suffix), g.path+"."+kind)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("name compacted segment: %w", err)
		}
	}
	return nil
}

// checkSize returns an error unless the file with the segment's name has exactly
// the segment's size; nothing is appended to a segment that compaction wrote. No
// segment that it replaces may be removed before this has passed.
func (g *segment) checkSize() error {
	f, err := g.fs.OpenFile(g.path+".log", os.O_RDWR)
	if err != nil {
		return fmt.Errorf("%w: compacted segment: %w", ErrCorrupt, err)
	}
	size, err := f.Size()
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("size of compacted segment %s.log: %w", g.path, err)
	}
	if size != g.size {
		return fmt.Errorf("%w: compacted segment %s.log has %d bytes, not %d", ErrCorrupt, g.path, size, g.size)
	}
	return nil
}

func (g *segment) removeAs(suffix uint64) error {
	g.close()
	for _, kind := range []string{"index", "log"} {
		if err := g.fs.Remove(suffixed(g.path, kind, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove unfinished segment: %w", err)
		}
	}
	return nil
}

// segmentWriter writes a new segment under a name of its own.
type segmentWriter struct {
	s      *Store
	l      *Log
	seg    *segment
	suffix uint64
	buf    []byte
	at     int64 // where buf goes
}

func newSegmentWriter(s *Store, l *Log, base int64) (*segmentWriter, error) {
	w := &segmentWriter{s: s, l: l, seg: newSegment(l.fs, l.dir, base), suffix: rand.Uint64()}
	var err error
	const flags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	if w.seg.file, err = l.fs.OpenFile(suffixed(w.seg.path, "log", w.suffix), flags); err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	if w.seg.idx, err = l.fs.OpenFile(suffixed(w.seg.path, "index", w.suffix), flags); err != nil {
		w.seg.file.Close()
		return nil, fmt.Errorf("create index: %w", err)
	}
	return w, nil
}

func (w *segmentWriter) add(b Batch) error {
	w.seg.appended(b, w.at+int64(len(w.buf)), math.MaxInt64)
	w.buf = append(w.buf, b...)
	if len(w.buf) < 1<<20 {
		return nil
	}
	return w.flush()
}

func (w *segmentWriter) flush() error {
	if _, err := w.seg.file.WriteAt(w.buf, w.at); err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	w.at += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// finish makes the segment and its names durable.
func (w *segmentWriter) finish(end, firstBatchTime int64) error {
	if err := w.flush(); err != nil {
		return err
	}
	w.seg.end, w.seg.firstBatchTime, w.seg.dirty = end, firstBatchTime, false
	w.seg.checkpointed.Store(true)
	if err := w.seg.sync(); err != nil {
		return err
	}
	return w.s.syncDir("log directory", w.l.dir)
}

// abandon removes the files as far as possible; the error of the compaction is reported.
func (w *segmentWriter) abandon() { _ = w.seg.removeAs(w.suffix) }

// rebuild makes a batch of some of b's records: same offsets, same producer.
func rebuild(b Batch, records []Record, hasHorizon bool, horizon int64) (Batch, error) {
	firstTime := b.firstTime()
	attrs := b.Attributes() &^ attrCodec
	if hasHorizon {
		firstTime = horizon
		attrs |= attrHorizon
	}
	maxTime := records[0].Timestamp
	var plain []byte
	for i := range records {
		maxTime = max(maxTime, records[i].Timestamp)
		plain = records[i].append(plain, b.base(), firstTime)
	}
	codec := b.Attributes() & attrCodec
	packed, err := deflate(plain, codec, DefaultLevel)
	if err != nil {
		return nil, fmt.Errorf("compress batch: %w", err)
	}
	out := b.withRecords(packed, codec)
	binary.BigEndian.PutUint16(out[21:], uint16(attrs|codec))
	binary.BigEndian.PutUint64(out[27:], uint64(firstTime))
	binary.BigEndian.PutUint64(out[35:], uint64(maxTime))
	binary.BigEndian.PutUint32(out[57:], uint32(len(records)))
	binary.BigEndian.PutUint32(out[17:], out.computeCRC())
	return out, nil
}

package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
)

// replacement says that a new segment holds what is left of some neighbouring
// ones and takes the first one's name; or, if it is final, that a compaction
// has ended.
//
// The new segment is written under a name of its own and synced, with its name,
// before the journal takes the replacement. Then it is renamed over the first
// and the others are removed; recovery does that again.
type replacement struct {
	bases   []int64
	suffix  uint64 // of the new segment's files
	with    *segment
	markers []int64 // offsets of the transaction markers that went

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

// applyReplace puts the new segment in place. The committer and recovery call
// it.
func (l *Log) applyReplace(r *replacement) error {
	if r.final {
		l.mu.Lock()
		l.cleaned, l.horizon = r.cleaned, r.horizon
		l.mu.Unlock()
		return nil
	}
	l.mu.Lock()
	i := slices.IndexFunc(l.segments, func(g *segment) bool { return g.base == r.bases[0] })
	n := len(r.bases)
	if i < 0 || i+n > len(l.segments) {
		l.mu.Unlock()
		// Retention came first; the new segment is not wanted any more.
		return r.with.removeAs(r.suffix)
	}
	old := slices.Clone(l.segments[i : i+n])
	l.segments = slices.Replace(slices.Clone(l.segments), i, i+n, r.with)
	l.aborted = slices.DeleteFunc(slices.Clone(l.aborted), func(a AbortedTxn) bool {
		return slices.Contains(r.markers, a.Last)
	})
	l.born = true // the directory has to be synced before this is forgotten
	l.mu.Unlock()
	for _, g := range old {
		g.close()
	}
	if err := r.with.takeName(r.suffix); err != nil {
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

// takeName renames the segment's files to what a segment's are called. In
// recovery that may have been done.
func (g *segment) takeName(suffix uint64) error {
	for _, kind := range []string{"index", "log"} {
		err := g.fs.Rename(suffixed(g.path, kind, suffix), g.path+"."+kind)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("name compacted segment: %w", err)
		}
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
	l      *Log
	seg    *segment
	suffix uint64
	buf    []byte
	at     int64 // where buf goes
}

func newSegmentWriter(l *Log, base int64) (*segmentWriter, error) {
	w := &segmentWriter{l: l, seg: newSegment(l.fs, l.dir, base), suffix: rand.Uint64()}
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
	w.seg.added(b, w.at+int64(len(w.buf)))
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
func (w *segmentWriter) finish(end, born int64) error {
	if err := w.flush(); err != nil {
		return err
	}
	w.seg.end, w.seg.born, w.seg.dirty = end, born, false
	w.seg.settled.Store(true)
	if err := w.seg.sync(); err != nil {
		return err
	}
	if err := w.l.fs.SyncDir(w.l.dir); err != nil {
		return fmt.Errorf("sync log directory: %w", err)
	}
	return nil
}

func (w *segmentWriter) abandon() { w.seg.removeAs(w.suffix) }

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
	packed, codec, err := deflate(plain, b.Attributes()&attrCodec)
	if err != nil {
		return nil, fmt.Errorf("compress batch: %w", err)
	}
	out := Batch(append(append(make([]byte, 0, batchHeader+len(packed)), b[:batchHeader]...), packed...))
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-batchPrefix))
	binary.BigEndian.PutUint16(out[21:], uint16(attrs|codec))
	binary.BigEndian.PutUint64(out[27:], uint64(firstTime))
	binary.BigEndian.PutUint64(out[35:], uint64(maxTime))
	binary.BigEndian.PutUint32(out[57:], uint32(len(records)))
	binary.BigEndian.PutUint32(out[17:], out.computeCRC())
	return out, nil
}

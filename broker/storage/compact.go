package storage

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"os"
	"strings"
)

// Compaction retains only the last record of each key. A pass reads the closed
// segments that are new since the last pass and builds a map from each key to its
// last offset, then filters every closed segment from the log's start through that
// map. Offsets never change. Several small segments become one.
//
// Only segments that a checkpoint covers completely are compacted. Recovery replays
// appends to the positions recorded in the journal; if such a segment had been
// rewritten, replay would overwrite other records.
//
// Records of aborted transactions are dropped. Tombstones and transaction markers
// are retained for delete.retention.ms, so that a slow consumer sees them: the first
// pass that meets one stores the time of its removal in the batch (delete horizon,
// KIP-534). Records without a key are always retained.

// CompactOptions configure a pass. Times are in ms.
type CompactOptions struct {
	Now             int64
	MinLag          int64   // segments with younger records are not compacted
	DeleteRetention int64   // how long tombstones and markers are retained
	MinDirty        float64 // least share of new bytes in the closed segments
	MaxKeys         int     // keys of one pass; 2 million if zero
}

// CompactStats describe a pass.
type CompactStats struct {
	Bytes, BytesLeft int64 // of the segments before and after
	Keys             int
}

const (
	attrHorizon = 1 << 6 // the first timestamp is the delete horizon
	noHorizon   = math.MaxInt64
)

// Compact makes one pass over l if there is enough new to compact, or a tombstone or
// marker is due.
func (s *Store) Compact(ctx context.Context, l *Log, o CompactOptions) (st CompactStats, err error) {
	if o.MaxKeys == 0 {
		o.MaxKeys = 2_000_000
	}
	if err := s.Failed(); err != nil {
		// Files that look unfinished may be those of a replacement that is in the
		// journal: its sync may have failed after the write.
		return st, fmt.Errorf("compact %s: %w", l.name, err)
	}
	p := pass{
		s: s, l: l, o: o, last: map[[2]uint64]int64{}, horizon: noHorizon,
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
	}
	if l.hasUncheckpointed() {
		if err := s.Checkpoint(ctx); err != nil {
			return st, fmt.Errorf("compact %s: %w", l.name, err)
		}
	}
	if !p.choose() {
		return st, nil
	}
	if err := l.removeUnfinished(); err != nil {
		return st, err
	}
	if err := p.buildOffsetMap(ctx); err != nil {
		return st, fmt.Errorf("compact %s: %w", l.name, err)
	}
	for _, group := range p.groups() {
		if err := p.rewrite(ctx, group); err != nil {
			return p.stats, fmt.Errorf("compact %s: %w", l.name, err)
		}
	}
	// Only now: a pass that ends early is repeated from the same offset.
	var c Commit
	c.replace(l, &replacement{cleaned: p.end, horizon: p.horizon, final: true})
	if err := s.Do(&c); err != nil {
		return p.stats, fmt.Errorf("compact %s: %w", l.name, err)
	}
	p.stats.Keys = len(p.last)
	return p.stats, nil
}

// pass is one compaction of one log.
type pass struct {
	s        *Store
	l        *Log
	o        CompactOptions
	segments []*segment
	sizes    []int64
	cleaned  int64 // offset up to which earlier passes compacted
	end      int64 // offset where the pass ends
	aborted  map[int64][]AbortedTxn
	last     map[[2]uint64]int64 // key's hash to its last offset
	seeds    [2]maphash.Seed
	horizon  int64 // earliest delete horizon of the batches that were retained
	stats    CompactStats
}

// choose selects the segments: closed, checkpointed, without open transactions, old
// enough. It returns false if there is no reason for a pass.
func (p *pass) choose() bool {
	l := p.l
	l.mu.RLock()
	defer l.mu.RUnlock()
	stable := l.stable()
	var total, dirty int64
	for i, g := range l.segments {
		if i == len(l.segments)-1 || !g.checkpointed.Load() || g.end > stable || p.o.MinLag > 0 && g.youngest(p.o.Now) > p.o.Now-p.o.MinLag {
			break
		}
		p.segments, p.sizes = append(p.segments, g), append(p.sizes, g.size)
		total += g.size
		if g.end > l.cleaned {
			dirty += g.size
		}
		p.end = g.end
	}
	p.cleaned = l.cleaned
	p.aborted = map[int64][]AbortedTxn{}
	for _, a := range l.aborted {
		p.aborted[a.ProducerID] = append(p.aborted[a.ProducerID], a)
	}
	due := l.horizon <= p.o.Now
	return len(p.segments) > 0 && (due || dirty > 0 && float64(dirty) >= p.o.MinDirty*float64(total))
}

// hasUncheckpointed reports whether a checkpoint does not cover some closed segment.
func (l *Log) hasUncheckpointed() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, g := range l.segments[:max(0, len(l.segments)-1)] {
		if !g.checkpointed.Load() {
			return true
		}
	}
	return false
}

// buildOffsetMap reads the segments that are new since the last pass and notes each
// key's last offset. At MaxKeys the pass ends before the next batch.
func (p *pass) buildOffsetMap(ctx context.Context) error {
	for i, g := range p.segments {
		if g.end <= p.cleaned {
			continue
		}
		err := p.each(ctx, g, p.sizes[i], func(b Batch) error {
			if len(p.last) >= p.o.MaxKeys {
				p.end = b.base()
				return errEnough
			}
			if b.control() || b.last() < p.cleaned || p.isAborted(b) {
				return nil
			}
			err := b.Each(func(r *Record) bool {
				if r.Key != nil {
					p.last[p.hash(r.Key)] = r.Offset
				}
				return true
			})
			if errors.Is(err, ErrUnreadable) {
				return nil
			}
			return err
		})
		if errors.Is(err, errEnough) {
			p.segments, p.sizes = p.segments[:i+1], p.sizes[:i+1]
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errEnough ends each early.
var errEnough = errors.New("enough was read")

// each calls fn with every batch of a segment, in order, after checking its CRC.
func (p *pass) each(ctx context.Context, g *segment, size int64, fn func(Batch) error) error {
	done, err := g.acquire()
	if errors.Is(err, errGone) {
		return ErrDropped // by retention, or with the log
	}
	if err != nil {
		return err
	}
	defer done()
	r := &windowReader{f: g.file, size: size}
	for pos := int64(0); pos < size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.at(pos, batchHeader)
		if err != nil {
			return fmt.Errorf("read %s.log at %d: %w", g.path, pos, err)
		}
		var b Batch
		if h != nil && Batch(h).size() >= batchHeader {
			if b, err = r.at(pos, Batch(h).size()); err != nil {
				return fmt.Errorf("read %s.log at %d: %w", g.path, pos, err)
			}
		}
		if b == nil {
			return fmt.Errorf("read %s.log at %d: %w", g.path, pos, ErrCorrupt)
		}
		if err := checkStored(b); err != nil {
			return fmt.Errorf("read %s.log at %d: %w: %w", g.path, pos, ErrCorrupt, err)
		}
		if err := fn(b); err != nil {
			return err
		}
		pos += int64(len(b))
	}
	return nil
}

// groups splits the segments into runs that fit into one segment each.
func (p *pass) groups() (out [][]int) {
	limit := p.l.conf.Load().SegmentBytes
	var size int64
	for i, g := range p.segments {
		n := len(out)
		if n == 0 || size+p.sizes[i] > limit || g.end-p.segments[out[n-1][0]].base > math.MaxInt32 {
			out = append(out, nil)
			n, size = n+1, 0
		}
		out[n-1] = append(out[n-1], i)
		size += p.sizes[i]
	}
	return out
}

// rewrite filters a run of segments into one new segment, which replaces them,
// unless nothing would change.
func (p *pass) rewrite(ctx context.Context, group []int) error {
	first, last := p.segments[group[0]], p.segments[group[len(group)-1]]
	w, err := newSegmentWriter(p.s, p.l, first.base)
	if err != nil {
		return err
	}
	changed := len(group) > 1
	var dropped []int64
	for _, i := range group {
		p.stats.Bytes += p.sizes[i]
		w.seg.ahead.Store(max(w.seg.ahead.Load(), p.segments[i].ahead.Load()))
		err := p.each(ctx, p.segments[i], p.sizes[i], func(b Batch) error {
			if b.base() >= p.end { // its keys are not in the map
				return w.add(b)
			}
			kept, err := p.filter(b)
			if err != nil {
				return err
			}
			if kept == nil || len(kept) != len(b) || kept.crc() != b.crc() {
				changed = true
			}
			if kept == nil {
				if b.control() {
					dropped = append(dropped, b.base())
				}
				return nil
			}
			return w.add(kept)
		})
		if err != nil {
			w.abandon()
			return err
		}
	}
	if !changed {
		p.stats.BytesLeft += w.seg.size
		w.abandon()
		return nil
	}
	if err := w.finish(last.end, first.firstBatchTime); err != nil {
		w.abandon()
		if errors.Is(err, errSync) {
			return p.s.fail(err)
		}
		return err
	}
	p.stats.BytesLeft += w.seg.size
	r := &replacement{suffix: w.suffix, with: w.seg, markers: dropped}
	for _, i := range group {
		r.bases = append(r.bases, p.segments[i].base)
	}
	var c Commit
	c.replace(p.l, r)
	err = p.s.Do(&c)
	if err != nil && !errors.Is(err, ErrFailed) { // after ErrFailed the journal may have the replacement
		w.abandon()
	}
	return err
}

// removeUnfinished removes the files of a pass that a crash interrupted.
func (l *Log) removeUnfinished() error {
	names, err := l.fs.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("read log directory: %w", err)
	}
	for _, name := range names {
		if strings.Contains(name, ".log.") || strings.Contains(name, ".index.") {
			if err := l.fs.Remove(l.dir + string(os.PathSeparator) + name); err != nil {
				return fmt.Errorf("remove unfinished segment: %w", err)
			}
		}
	}
	return nil
}

package storage

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// An index file is a list of entries of 16 bytes, big endian, one for about
// every indexInterval bytes of the segment:
//
//	0  offset of a batch, relative to the segment's base   uint32
//	4  position of that batch in the segment               uint32
//	8  largest timestamp of the batches before it, ms      int64
//
// All three columns only grow, so one index serves offsets and timestamps.
const (
	indexEntrySize = 16
	indexInterval  = 4096
)

type indexEntry struct {
	rel, pos uint32
	maxTime  int64
}

func (e indexEntry) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, e.rel)
	b = binary.BigEndian.AppendUint32(b, e.pos)
	return binary.BigEndian.AppendUint64(b, uint64(e.maxTime))
}

func decodeIndexEntry(b []byte) indexEntry {
	return indexEntry{
		rel:     binary.BigEndian.Uint32(b),
		pos:     binary.BigEndian.Uint32(b[4:]),
		maxTime: int64(binary.BigEndian.Uint64(b[8:])),
	}
}

// index is the sparse index of one segment: the first stored entries of the file,
// then recent, which the next checkpoint appends to the file. The segment's idxMu
// guards it.
type index struct {
	stored int // valid entries in the file
	recent []indexEntry
	next   int64 // position in the segment from which an entry is due
}

// addEntry is called with each batch, before it counts as part of the segment.
func (x *index) addEntry(rel, pos uint32, maxTimeBefore int64) {
	if int64(pos) < x.next {
		return
	}
	x.recent = append(x.recent, indexEntry{rel, pos, maxTimeBefore})
	x.next = int64(pos) + indexInterval
}

func (x *index) len() int { return x.stored + len(x.recent) }

func (x *index) at(f File, i int) (indexEntry, error) {
	if i >= x.stored {
		return x.recent[i-x.stored], nil
	}
	var b [indexEntrySize]byte
	if _, err := f.ReadAt(b[:], int64(i)*indexEntrySize); err != nil {
		return indexEntry{}, fmt.Errorf("read index: %w", err)
	}
	return decodeIndexEntry(b[:]), nil
}

// last returns the last entry for which before is true, or a zero entry. before must
// be true for a prefix of the index.
func (x *index) last(f File, before func(indexEntry) bool) (indexEntry, error) {
	var failed error
	n := sort.Search(x.len(), func(i int) bool {
		e, err := x.at(f, i)
		if err != nil {
			failed = err
			return true
		}
		return !before(e)
	})
	if failed != nil || n == 0 {
		return indexEntry{}, failed
	}
	return x.at(f, n-1)
}

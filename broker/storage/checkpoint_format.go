package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// A checkpoint file, fixed numbers big endian:
//
//	 0  "SLCKPT"
//	 6  format version             uint16
//	 8  length of what follows 16  uint32
//	12  crc32c of it               uint32
//	16  journal sequence to replay from, last group it holds, next log id,
//	    table, logs (see encodeCheckpoint)
//
// It is written beside the old one and renamed over it.
const (
	checkpointMagic   = "SLCKPT"
	checkpointVersion = 2
	checkpointHeader  = 16
	maxCheckpoint     = 1 << 30
)

// checkpointHead is what recovery needs first: the sequence of the journal file to
// replay from, and the last group before it.
type checkpointHead struct{ seq, group uint64 }

func (s *Store) encodeCheckpoint(head checkpointHead) []byte {
	b := make([]byte, checkpointHeader, 4096)
	copy(b, checkpointMagic)
	binary.BigEndian.PutUint16(b[6:], checkpointVersion)
	b = binary.AppendUvarint(b, head.seq)
	b = binary.AppendUvarint(b, head.group)
	b = binary.AppendUvarint(b, s.nextID)
	s.table.mu.RLock()
	b = s.table.encode(b)
	s.table.mu.RUnlock()
	b = binary.AppendUvarint(b, uint64(len(s.logs)))
	for _, id := range slices.Sorted(maps.Keys(s.logs)) {
		b = s.logs[id].encode(b)
	}
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-checkpointHeader))
	binary.BigEndian.PutUint32(b[12:], crc32.Checksum(b[checkpointHeader:], castagnoli))
	return b
}

// encode appends: id, name, start, end, compaction; segments; open transactions; aborted
// transactions; producers; epochs.
func (l *Log) encode(b []byte) []byte {
	l.mu.RLock()
	defer l.mu.RUnlock()
	b = binary.AppendUvarint(b, l.id)
	b = appendString(b, l.name)
	b = binary.AppendVarint(b, l.start)
	b = binary.AppendVarint(b, l.end)
	b = binary.AppendVarint(b, l.cleaned)
	b = binary.AppendVarint(b, l.horizon)
	b = binary.AppendUvarint(b, uint64(len(l.segments)))
	for _, g := range l.segments {
		b = g.encode(b)
	}
	b = binary.AppendUvarint(b, uint64(len(l.open)))
	for _, pid := range slices.Sorted(maps.Keys(l.open)) {
		b = binary.AppendVarint(binary.AppendVarint(b, pid), l.open[pid])
	}
	b = binary.AppendUvarint(b, uint64(len(l.aborted)))
	for _, a := range l.aborted {
		b = binary.AppendVarint(binary.AppendVarint(binary.AppendVarint(b, a.ProducerID), a.First), a.Last)
	}
	b = binary.AppendUvarint(b, uint64(len(l.producers)))
	for _, pid := range slices.Sorted(maps.Keys(l.producers)) {
		b = binary.AppendVarint(b, pid)
		b = l.producers[pid].encode(b)
	}
	b = binary.AppendUvarint(b, uint64(len(l.epochs)))
	for _, e := range l.epochs {
		b = binary.AppendVarint(binary.AppendVarint(b, int64(e.epoch)), e.start)
	}
	return b
}

// encode appends what a checkpoint keeps of a segment: base, size, end, times,
// and how much of its index counts.
func (g *segment) encode(b []byte) []byte {
	g.idxMu.Lock()
	n, next := g.index.len(), g.index.next
	g.idxMu.Unlock()
	for _, v := range []int64{g.base, g.size, g.end, g.maxTime, g.maxTimeAt, g.firstBatchTime, int64(n), next} {
		b = binary.AppendVarint(b, v)
	}
	return b
}

func decodeSegment(d *decoder, fs FS, dir string) *segment {
	g := newSegment(fs, dir, d.varint())
	g.size, g.end, g.maxTime, g.maxTimeAt, g.firstBatchTime = d.varint(), d.varint(), d.varint(), d.varint(), d.varint()
	g.index.stored, g.index.next = int(d.varint()), d.varint()
	g.checkpointed.Store(true) // until the journal adds to it
	return g
}

// decode reads what encode wrote. Before version 2 there were no epochs: all
// batches are of epoch 0.
func (l *Log) decode(d *decoder, version uint16) {
	l.start, l.end, l.cleaned, l.horizon = d.varint(), d.varint(), d.varint(), d.varint()
	for range d.count(8) {
		l.segments = append(l.segments, decodeSegment(d, l.fs, l.dir))
	}
	for range d.count(2) {
		pid := d.varint()
		l.open[pid] = d.varint()
	}
	for range d.count(3) {
		l.aborted = append(l.aborted, AbortedTxn{ProducerID: d.varint(), First: d.varint(), Last: d.varint()})
	}
	for range d.count(4) {
		pid := d.varint()
		l.producers[pid] = decodeProducer(d)
	}
	if version < 2 {
		if l.end > l.start {
			l.epochs = []epochStart{{0, l.start}}
		}
		return
	}
	for range d.count(2) {
		l.epochs = append(l.epochs, epochStart{int32(d.varint()), d.varint()})
	}
}

// loadCheckpoint reads the checkpoint. Without one, head.seq is 0.
func (s *Store) loadCheckpoint() (head checkpointHead, err error) {
	f, err := s.fs.OpenFile(s.checkpointPath(), os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return head, nil
	}
	if err != nil {
		return head, fmt.Errorf("open checkpoint: %w", err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return head, fmt.Errorf("read checkpoint: %w", err)
	}
	if size < checkpointHeader || size > maxCheckpoint {
		return head, fmt.Errorf("read checkpoint: %w: it has %d bytes", ErrCorrupt, size)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		return head, fmt.Errorf("read checkpoint: %w", err)
	}
	if string(b[:6]) != checkpointMagic {
		return head, fmt.Errorf("read checkpoint: %w: not a checkpoint", ErrCorrupt)
	}
	version := binary.BigEndian.Uint16(b[6:])
	if version > checkpointVersion {
		return head, fmt.Errorf("%w: its format is %d, this release knows %d", ErrNewerFormat, version, checkpointVersion)
	}
	payload := b[checkpointHeader:]
	if int64(binary.BigEndian.Uint32(b[8:])) != int64(len(payload)) ||
		binary.BigEndian.Uint32(b[12:]) != crc32.Checksum(payload, castagnoli) {
		return head, fmt.Errorf("read checkpoint: %w: crc mismatch", ErrCorrupt)
	}
	d := &decoder{b: payload}
	head.seq, head.group = d.uvarint(), d.uvarint()
	s.nextID = d.uvarint()
	s.table.decode(d)
	for range d.count(8) {
		id, name := d.uvarint(), d.string()
		if d.err != nil {
			break
		}
		l, err := s.attach(id, name)
		if err != nil {
			return head, err
		}
		l.decode(d, version)
	}
	if d.err != nil {
		return head, fmt.Errorf("read checkpoint: %w", d.err)
	}
	s.committer.checkpointed = head.group
	return head, nil
}

package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
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
	checkpointVersion = 1
	checkpointHeader  = 16
	maxCheckpoint     = 1 << 30
	checkpointRetry   = time.Second
)

// checkpointing is the committer's view of the checkpoint that is under way.
type checkpointing struct {
	running bool
	done    chan error // capacity 1; one value for each that was started
	seq     uint64     // the journal files before it are free when it has ended
	dirty   []*segment
	closed  []*segment // will be settled when it has ended
	dirs    []*Log
	wanted  []chan error // who asked for it
	last    error
	failed  time.Time
}

// checkpointHead is what recovery needs first.
type checkpointHead struct{ seq, group uint64 }

// maybeCheckpoint starts a checkpoint if one is due. What is written is the
// state between two groups, taken here; the disk work is a goroutine's.
func (s *Store) maybeCheckpoint() {
	c := &s.checkpoint
	s.queueMu.Lock()
	wanted := len(s.wanted) > 0
	s.queueMu.Unlock()
	s.dueCheckpoint = s.dueCheckpoint || wanted
	if !s.dueCheckpoint || c.running {
		return
	}
	if err := s.Failed(); err != nil {
		s.refuseWanted(err)
		return
	}
	if time.Since(c.failed) < checkpointRetry {
		s.refuseWanted(c.last)
		return
	}
	if !s.journal.fresh() {
		if s.opt.Flush == FlushInterval {
			if err := s.syncJournal(); err != nil {
				s.refuseWanted(err)
				return
			}
		}
		if err := s.journal.rotate(); err != nil {
			s.checkpointEnded(err)
			return
		}
		s.unsynced = false
	}
	s.dueCheckpoint = false
	s.takeWanted()
	state := s.cut()
	c.running, c.done = true, make(chan error, 1)
	go func() { c.done <- s.writeCheckpoint(state, c.dirty, c.dirs) }()
}

// Checkpoint makes a checkpoint and waits for it: what was committed by now is
// then in the segments and the journal is not needed for it.
func (s *Store) Checkpoint(ctx context.Context) error {
	done := make(chan error, 1)
	s.queueMu.Lock()
	s.wanted = append(s.wanted, done)
	s.queueMu.Unlock()
	s.nudge()
	select {
	case err := <-done:
		return err
	case <-s.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeWanted makes the checkpoint that begins now the one that was asked for.
func (s *Store) takeWanted() {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	s.checkpoint.wanted = append(s.checkpoint.wanted, s.wanted...)
	s.wanted = nil
}

// refuseWanted answers those who ask for a checkpoint that will not be made.
func (s *Store) refuseWanted(err error) {
	s.takeWanted()
	s.answerWanted(err)
}

func (s *Store) answerWanted(err error) {
	for _, done := range s.checkpoint.wanted {
		done <- err
	}
	s.checkpoint.wanted = nil
}

// cut collects what a checkpoint at this moment has to write and sync.
func (s *Store) cut() (state []byte) {
	c := &s.checkpoint
	c.seq = s.journal.seq
	expired := s.opt.Now().Add(-s.opt.ProducerExpiry).UnixMilli()
	for _, l := range s.logs {
		l.expireProducers(expired)
		l.mu.Lock()
		for i, g := range l.segments {
			if g.dirty {
				g.dirty = false
				c.dirty = append(c.dirty, g)
			}
			if !g.settled.Load() && i < len(l.segments)-1 {
				c.closed = append(c.closed, g)
			}
		}
		if l.born {
			l.born = false
			c.dirs = append(c.dirs, l)
		}
		l.mu.Unlock()
	}
	return s.encodeCheckpoint()
}

// checkpointEnded frees the journal files that a checkpoint made needless, or
// keeps in mind what the next one has to do again.
func (s *Store) checkpointEnded(err error) {
	c := &s.checkpoint
	c.running, c.last = false, err
	if err == nil {
		s.journal.free(c.seq)
		for _, g := range c.closed {
			g.settled.Store(true)
		}
		c.dirty, c.closed, c.dirs, c.failed = nil, nil, nil, time.Time{}
		s.answerWanted(nil)
		return
	}
	c.failed, s.dueCheckpoint = time.Now(), true
	if IsFull(err) {
		s.log.Warn("no room for a checkpoint, will try again", "err", err)
	} else {
		err = s.fail(err)
	}
	s.refuseWanted(err)
}

// awaitCheckpoint waits for the checkpoint that runs, if one does.
func (s *Store) awaitCheckpoint() error {
	if s.checkpoint.running {
		s.checkpointEnded(<-s.checkpoint.done)
	}
	return s.checkpoint.last
}

// finalCheckpoint runs after the committer has ended: the next open replays
// nothing.
func (s *Store) finalCheckpoint() error {
	if err := s.Failed(); err != nil {
		return err
	}
	if s.journal.current == nil && s.journal.group == s.checkpointed {
		return nil // nothing was written since it was opened
	}
	s.dueCheckpoint, s.checkpoint.failed = true, time.Time{}
	s.maybeCheckpoint()
	return s.awaitCheckpoint()
}

// writeCheckpoint syncs the segments, then writes the state.
func (s *Store) writeCheckpoint(state []byte, dirty []*segment, dirs []*Log) error {
	if len(dirs) > 0 { // a log with a new segment may itself be new
		if err := s.fs.SyncDir(s.logsDir()); err != nil {
			return fmt.Errorf("sync logs directory: %w", err)
		}
	}
	for _, g := range dirty {
		if err := g.sync(); err != nil {
			return err
		}
	}
	for _, l := range dirs {
		if err := s.fs.SyncDir(l.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sync log directory: %w", err)
		}
	}
	tmp := s.checkpointPath() + ".new"
	f, err := s.fs.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("create checkpoint: %w", err)
	}
	_, err = f.WriteAt(state, 0)
	if err == nil {
		err = f.Datasync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := s.fs.Rename(tmp, s.checkpointPath()); err != nil {
		return fmt.Errorf("name checkpoint: %w", err)
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return fmt.Errorf("sync data directory: %w", err)
	}
	return nil
}

func (s *Store) encodeCheckpoint() []byte {
	b := make([]byte, checkpointHeader, 4096)
	copy(b, checkpointMagic)
	binary.BigEndian.PutUint16(b[6:], checkpointVersion)
	b = binary.AppendUvarint(b, s.journal.seq)
	b = binary.AppendUvarint(b, s.journal.group)
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
// transactions; producers.
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
	return b
}

// encode appends what a checkpoint keeps of a segment: base, size, end, times,
// and how much of its index counts.
func (g *segment) encode(b []byte) []byte {
	g.idxMu.Lock()
	n, next := g.index.len(), g.index.next
	g.idxMu.Unlock()
	for _, v := range []int64{g.base, g.size, g.end, g.maxTime, g.maxTimeAt, g.born, int64(n), next} {
		b = binary.AppendVarint(b, v)
	}
	return b
}

func decodeSegment(d *decoder, fs FS, dir string) *segment {
	g := newSegment(fs, dir, d.varint())
	g.size, g.end, g.maxTime, g.maxTimeAt, g.born = d.varint(), d.varint(), d.varint(), d.varint(), d.varint()
	g.index.stored, g.index.next = int(d.varint()), d.varint()
	g.settled.Store(true) // until the journal adds to it
	return g
}

func (l *Log) decode(d *decoder) {
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
}

// loadCheckpoint reads the checkpoint, if there is one.
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
	if v := binary.BigEndian.Uint16(b[6:]); v > checkpointVersion {
		return head, fmt.Errorf("%w: its format is %d, this release knows %d", ErrNewerFormat, v, checkpointVersion)
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
		l.decode(d)
	}
	if d.err != nil {
		return head, fmt.Errorf("read checkpoint: %w", d.err)
	}
	s.checkpointed = head.group
	return head, nil
}

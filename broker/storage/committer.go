package storage

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// maxGroupBytes bounds a commit group, except one of a single larger commit.
const maxGroupBytes = 8 << 20

// committer has the fields owned by the store's writer goroutine, Store.run; no
// other goroutine touches them. For each commit group it assigns every append a
// segment and a position (stage), writes one journal group, syncs once, applies
// the operations and wakes the callers. Large appends are written to their segments
// first: see direct.go.
//
// The order is what makes a crash harmless:
//
//  1. stage: nothing that readers or recovery see changes; rollback undoes it
//  2. direct writes, synced
//  3. the journal group, synced: the commit point
//  4. apply: segments, metadata, and then readers
//  5. files are removed by the caller, in Wait
type committer struct {
	journal *journal
	buf     []byte // the journal group being built
	undo    []undo
	bulk    bool          // the group is large enough for direct writes
	direct  []directWrite // of the group
	removes bool          // the group has an operation after which files are removed
	now     int64         // ms, of the group

	unsynced   bool
	checkpoint checkpointing

	dueCheckpoint bool
	checkpointed  uint64 // last group of the checkpoint that was loaded
}

// undo has a log's state before one operation was staged.
type undo struct {
	log    *Log
	staged staged
	pid    int64 // -1: none
	prev   *producer
}

func (s *Store) run() {
	defer close(s.stopped)
	var flush <-chan time.Time
	for {
		// Goroutines that are about to submit run first: the group becomes larger,
		// and there are fewer syncs.
		runtime.Gosched()
		group, closing := s.take()
		if len(group) > 0 {
			s.commit(group)
			if s.unsynced && flush == nil && s.opt.Flush == FlushInterval {
				flush = time.After(s.opt.FlushInterval)
			}
		}
		s.maybeCheckpoint()
		if closing && len(group) == 0 {
			s.syncJournal()
			s.awaitCheckpoint()
			return
		}
		if len(group) > 0 {
			continue
		}
		select {
		case <-s.wake:
		case <-flush:
			flush = nil
			s.syncJournal()
		case err := <-s.checkpoint.done:
			s.checkpointEnded(err)
		}
	}
}

// take removes the next group from the queue: as many waiting commits as fit.
func (s *Store) take() (group []*Commit, closing bool) {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	n, bytes := 0, 0
	for n < len(s.queue) && (n == 0 || bytes+s.queue[n].size <= maxGroupBytes) {
		bytes += s.queue[n].size
		n++
	}
	group = s.queue[:n:n]
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return group, s.closed
}

// commit makes one group durable and visible, or fails it.
func (s *Store) commit(group []*Commit) {
	err := s.writeGroup(group)
	s.noteWrite(group, err)
	for _, c := range group {
		if c.err == nil {
			c.err = err
		}
		close(c.done)
	}
}

func (s *Store) writeGroup(group []*Commit) error {
	if err := s.Failed(); err != nil {
		return err
	}
	if err := s.rotateIfFull(); err != nil {
		return s.failIfUnsynced(err)
	}
	s.now = s.opt.Now().UnixMilli()
	s.buf = append(s.buf[:0], make([]byte, groupHeader)...)
	s.undo, s.direct, s.removes = s.undo[:0], s.direct[:0], false
	s.bulk = s.opt.Flush == FlushAlways && countIncoming(group, s.opt.DirectBytes)
	for _, c := range group {
		for i := range c.ops {
			s.stage(&c.ops[i])
		}
	}
	if len(s.buf) > groupHeader {
		began := time.Now()
		if err := s.syncDirect(); err != nil {
			if err = s.failIfUnsynced(err); !errors.Is(err, ErrFailed) {
				s.rollback()
			}
			return err
		}
		if err := s.journal.write(s.buf); err != nil {
			s.rollback()
			return s.failIfUnsynced(err)
		}
		s.unsynced = true
		if s.opt.Flush == FlushAlways || s.removes {
			if err := s.syncJournal(); err != nil {
				return err
			}
		}
		if s.opt.Observe != nil {
			s.opt.Observe(GroupStats{Commits: len(group), Bytes: len(s.buf) + s.directBytes(), Sync: time.Since(began)})
		}
	}
	for _, c := range group {
		for i := range c.ops {
			if err := s.apply(&c.ops[i]); err != nil {
				return s.fail(err)
			}
		}
	}
	if cap(s.buf) > 2*maxGroupBytes {
		s.buf = nil
	}
	return nil
}

// stage assigns an operation's segment and position, if it is an append, and adds
// it to the journal group.
func (s *Store) stage(o *op) {
	if o.log != nil && o.log.staged.dropped {
		o.skip = true
		if o.result != nil {
			o.result.Err = ErrDropped
		}
		return
	}
	if o.kind == opAppend {
		if err := s.stageAppend(o); err != nil || o.skip {
			o.skip, o.result.Err = true, err
			return
		}
	}
	// Files are removed only when the operation is durable, whatever the flush
	// policy: an earlier state names them.
	s.removes = s.removes || o.kind == opDrop || o.kind == opStart || o.kind == opReplace
	if o.kind == opDrop {
		// Later operations of the group must not write to it.
		s.undo = append(s.undo, undo{log: o.log, staged: o.log.staged, pid: -1})
		o.log.staged.dropped = true
	}
	if o.kind == opStart {
		o.offset = min(o.offset, o.log.staged.end)
	}
	s.buf = o.encode(s.buf, s.now)
}

func (s *Store) stageAppend(o *op) error {
	l, b := o.log, o.batch
	o.result.Start = l.start
	pid := b.ProducerID()
	var prev *producer
	if pid >= 0 {
		prev = l.producers[pid]
		if b.control() {
			if prev != nil && b.ProducerEpoch() < prev.epoch {
				return ErrStaleEpoch
			}
		} else if base, err := prev.duplicate(b); err == nil {
			o.skip, o.result.Base = true, base
			return nil
		} else if err := prev.check(b); err != nil {
			return err
		}
	}
	st := l.staged
	conf := l.conf.Load()
	roll := st.seg == nil ||
		st.pos > 0 && (st.pos+int64(len(b)) > min(conf.SegmentBytes, 1<<31) ||
			// Timestamps in the future would begin a segment with every batch, or
			// let one grow for years.
			min(b.maxTime(), s.now)-st.seg.firstBatchTime > conf.SegmentAge && st.seg.firstBatchTime != noTime ||
			st.end+int64(b.lastDelta())-st.seg.base >= 1<<31 ||
			l.start >= st.end) // all records have expired
	if roll {
		st.seg, st.pos = newSegment(l.fs, l.dir, st.end), 0
	}
	u := undo{log: l, staged: l.staged, pid: -1}
	b.stamp(st.end, s.epoch)
	if o.stampIt {
		b.stampTime(s.now)
		o.result.Time = s.now
	}
	err := st.seg.reserve(st.pos, len(b), max(conf.SegmentBytes, int64(len(b))))
	if err == nil {
		err = s.maybeDirect(o, st)
	}
	if err != nil {
		if roll {
			st.seg.remove()
		}
		return err
	}
	if pid >= 0 {
		u.pid = pid
		if prev != nil {
			kept := *prev
			u.prev = &kept
		}
		l.recordSequence(b, s.now)
	}
	s.undo = append(s.undo, u)
	o.seg, o.pos, o.result.Base = st.seg, st.pos, st.end
	st.pos += int64(len(b))
	st.end = b.last() + 1
	l.staged = st
	return nil
}

// rollback undoes the staging of the group, last operation first.
func (s *Store) rollback() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		u := s.undo[i]
		if u.log.staged.seg != u.staged.seg {
			u.log.staged.seg.remove()
		}
		u.log.staged = u.staged
		if u.pid < 0 {
			continue
		}
		u.log.mu.Lock()
		if u.prev == nil {
			delete(u.log.producers, u.pid)
		} else {
			*u.log.producers[u.pid] = *u.prev
		}
		u.log.mu.Unlock()
	}
}

// apply makes a durable operation visible. An error is one of the disk, after
// which the journal holds more than the segments do: the store fails.
func (s *Store) apply(o *op) error {
	if o.skip {
		return nil
	}
	switch o.kind {
	case opAppend:
		return o.log.applyAppend(o.batch, o.seg, o.pos, s.now, o.written)
	case opPut:
		s.table.put(o.bucket, o.key, o.value)
	case opDelete:
		s.table.delete(o.bucket, o.key)
	case opCreate:
		s.register(o.log)
	case opDrop:
		s.detach(o.log)
		o.removed = o.log.applyDrop()
	case opStart:
		o.removed = o.log.applyStart(o.offset)
	case opReplace:
		return o.log.replaceNow(o.replaced)
	}
	return nil
}

func (s *Store) syncJournal() error {
	if !s.unsynced {
		return nil
	}
	if err := s.Failed(); err != nil {
		return err
	}
	if err := s.journal.sync(); err != nil {
		return s.fail(err)
	}
	s.unsynced = false
	return nil
}

// rotateIfFull begins the next journal file when the current one is full. When
// maxBusy files are needed until the running checkpoint ends, it waits for that.
func (s *Store) rotateIfFull() error {
	const maxBusy = 4
	if !s.journal.full() {
		return nil
	}
	if len(s.journal.busy) >= maxBusy {
		s.maybeCheckpoint()
		if err := s.awaitCheckpoint(); err != nil {
			return fmt.Errorf("journal is full: %w", err)
		}
	}
	s.dueCheckpoint = true
	return s.journal.rotate()
}

// failIfUnsynced fails the store if err is the error of a sync.
func (s *Store) failIfUnsynced(err error) error {
	if errors.Is(err, errSync) {
		return s.fail(err)
	}
	return err
}

// restage sets the staged state to that of the recovered log.
func (l *Log) restage() {
	l.staged = staged{end: l.end}
	if g := l.active(); g != nil {
		l.staged.seg, l.staged.pos = g, g.size
		g.reserved = g.size
	}
}

package storage

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// maxGroupBytes bounds a commit group, except one of a single larger commit.
const maxGroupBytes = 8 << 20

// committer is the store's writer: its fields belong to the goroutine of run, and no
// other touches them, except recovery before run begins and Close after it has
// returned. Its methods run in that goroutine; what it shares with others is in Store,
// behind the locks that are named there.
//
// For each commit group it assigns every append a segment and a position (stage),
// writes one journal group, syncs once, applies the operations and wakes the callers.
// Large appends are written to their segments first: see direct.go.
//
// The order is what makes a crash harmless:
//
//  1. stage: nothing that readers or recovery see changes; rollback undoes it
//  2. direct writes, synced
//  3. the journal group, synced: the commit point
//  4. apply: segments, metadata, and then readers
//  5. files are removed by the caller, in Wait
type committer struct {
	store *Store

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

func (cm *committer) run() {
	defer close(cm.store.stopped)
	var flush <-chan time.Time
	for {
		// Goroutines that are about to submit run first: the group becomes larger,
		// and there are fewer syncs.
		runtime.Gosched()
		group, closing := cm.take()
		if len(group) > 0 {
			cm.commit(group)
			if cm.unsynced && flush == nil && cm.store.opt.Flush == FlushInterval {
				flush = time.After(cm.store.opt.FlushInterval)
			}
		}
		cm.maybeCheckpoint()
		if closing && len(group) == 0 {
			// Their errors are in Store.failed or logged, and the store closes.
			_ = cm.syncJournal()
			_ = cm.awaitCheckpoint()
			return
		}
		if len(group) > 0 {
			continue
		}
		select {
		case <-cm.store.wake:
		case <-flush:
			flush = nil
			_ = cm.syncJournal() // its error is in Store.failed
		case err := <-cm.checkpoint.done:
			cm.checkpointEnded(err)
		}
	}
}

// take removes the next group from the queue: as many waiting commits as fit.
func (cm *committer) take() (group []*Commit, closing bool) {
	cm.store.queueMu.Lock()
	defer cm.store.queueMu.Unlock()
	n, bytes := 0, 0
	for n < len(cm.store.queue) && (n == 0 || bytes+cm.store.queue[n].size <= maxGroupBytes) {
		bytes += cm.store.queue[n].size
		n++
	}
	group = cm.store.queue[:n:n]
	if cm.store.queue = cm.store.queue[n:]; len(cm.store.queue) == 0 {
		cm.store.queue = nil
	}
	return group, cm.store.closed
}

// commit makes one group durable and visible, or fails it.
func (cm *committer) commit(group []*Commit) {
	err := cm.writeGroup(group)
	cm.store.noteWrite(group, err)
	for _, c := range group {
		if c.err == nil {
			c.err = err
		}
		close(c.done)
	}
}

func (cm *committer) writeGroup(group []*Commit) error {
	if err := cm.store.Failed(); err != nil {
		return err
	}
	if err := cm.rotateIfFull(); err != nil {
		return cm.failIfUnsynced(err)
	}
	cm.now = cm.store.opt.Now().UnixMilli()
	cm.buf = append(cm.buf[:0], make([]byte, groupHeader)...)
	cm.undo, cm.direct, cm.removes = cm.undo[:0], cm.direct[:0], false
	cm.bulk = cm.store.opt.Flush == FlushAlways && countIncoming(group, cm.store.opt.DirectBytes)
	for _, c := range group {
		for i := range c.ops {
			cm.stage(&c.ops[i])
		}
	}
	if len(cm.buf) > groupHeader {
		began := time.Now()
		if err := cm.syncDirect(); err != nil {
			if err = cm.failIfUnsynced(err); !errors.Is(err, ErrFailed) {
				cm.rollback()
			}
			return err
		}
		if err := cm.journal.write(cm.buf); err != nil {
			cm.rollback()
			return cm.failIfUnsynced(err)
		}
		cm.unsynced = true
		if cm.store.opt.Flush == FlushAlways || cm.removes {
			if err := cm.syncJournal(); err != nil {
				return err
			}
		}
		if cm.store.opt.Observe != nil {
			cm.store.opt.Observe(GroupStats{Commits: len(group), Bytes: len(cm.buf) + cm.directBytes(), Sync: time.Since(began)})
		}
	}
	for _, c := range group {
		for i := range c.ops {
			if err := cm.apply(&c.ops[i]); err != nil {
				return cm.store.fail(err)
			}
		}
	}
	if cap(cm.buf) > 2*maxGroupBytes {
		cm.buf = nil
	}
	return nil
}

// stage assigns an operation's segment and position, if it is an append, and adds
// it to the journal group.
func (cm *committer) stage(o *op) {
	if o.log != nil && o.log.staged.dropped {
		o.skip = true
		if o.result != nil {
			o.result.Err = ErrDropped
		}
		return
	}
	if o.kind == opAppend {
		if err := cm.stageAppend(o); err != nil || o.skip {
			o.skip, o.result.Err = true, err
			return
		}
	}
	// Files are removed only when the operation is durable, whatever the flush
	// policy: an earlier state names them.
	cm.removes = cm.removes || o.kind == opDrop || o.kind == opStart || o.kind == opReplace
	if o.kind == opDrop {
		// Later operations of the group must not write to it.
		cm.undo = append(cm.undo, undo{log: o.log, staged: o.log.staged, pid: -1})
		o.log.staged.dropped = true
	}
	if o.kind == opStart {
		o.offset = min(o.offset, o.log.staged.end)
	}
	cm.buf = o.encode(cm.buf, cm.now)
}

func (cm *committer) stageAppend(o *op) error {
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
			min(b.maxTime(), cm.now)-st.seg.firstBatchTime > conf.SegmentAge && st.seg.firstBatchTime != noTime ||
			st.end+int64(b.lastDelta())-st.seg.base >= 1<<31 ||
			l.start >= st.end) // all records have expired
	if roll {
		st.seg, st.pos = newSegment(l.fs, l.dir, st.end), 0
	}
	u := undo{log: l, staged: l.staged, pid: -1}
	b.stamp(st.end, cm.store.epoch)
	if o.stampIt {
		b.stampTime(cm.now)
		o.result.Time = cm.now
	}
	err := st.seg.reserve(st.pos, len(b), max(conf.SegmentBytes, int64(len(b))))
	if err == nil {
		err = cm.maybeDirect(o, st)
	}
	if err != nil {
		if roll {
			_ = st.seg.remove() // an empty file: recovery ignores it
		}
		return err
	}
	if pid >= 0 {
		u.pid = pid
		if prev != nil {
			kept := *prev
			u.prev = &kept
		}
		l.recordSequence(b, cm.now)
	}
	cm.undo = append(cm.undo, u)
	o.seg, o.pos, o.result.Base = st.seg, st.pos, st.end
	st.pos += int64(len(b))
	st.end = b.last() + 1
	l.staged = st
	return nil
}

// rollback undoes the staging of the group, last operation first.
func (cm *committer) rollback() {
	for _, u := range slices.Backward(cm.undo) {
		if u.log.staged.seg != u.staged.seg {
			_ = u.log.staged.seg.remove() // no durable state names it
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
func (cm *committer) apply(o *op) error {
	if o.skip {
		return nil
	}
	switch o.kind {
	case opAppend:
		return o.log.applyAppend(o.batch, o.seg, o.pos, cm.now, o.written)
	case opPut:
		cm.store.table.put(o.bucket, o.key, o.value)
	case opDelete:
		cm.store.table.delete(o.bucket, o.key)
	case opCreate:
		cm.store.register(o.log)
	case opDrop:
		cm.store.detach(o.log)
		o.removed = o.log.applyDrop()
	case opStart:
		o.removed = o.log.applyStart(o.offset)
	case opReplace:
		return o.log.replaceNow(o.replaced)
	}
	return nil
}

func (cm *committer) syncJournal() error {
	if !cm.unsynced {
		return nil
	}
	if err := cm.store.Failed(); err != nil {
		return err
	}
	if err := cm.journal.sync(); err != nil {
		return cm.store.fail(err)
	}
	cm.unsynced = false
	return nil
}

// rotateIfFull begins the next journal file when the current one is full. When
// maxBusy files are needed until the running checkpoint ends, it waits for that.
func (cm *committer) rotateIfFull() error {
	const maxBusy = 4
	if !cm.journal.full() {
		return nil
	}
	if len(cm.journal.busy) >= maxBusy {
		cm.maybeCheckpoint()
		if err := cm.awaitCheckpoint(); err != nil {
			return fmt.Errorf("journal is full: %w", err)
		}
	}
	cm.dueCheckpoint = true
	return cm.journal.rotate()
}

// failIfUnsynced fails the store if err is the error of a sync.
func (cm *committer) failIfUnsynced(err error) error {
	if errors.Is(err, errSync) {
		return cm.store.fail(err)
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

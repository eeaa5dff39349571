package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// checkpointRetry is the pause after a checkpoint that failed.
const checkpointRetry = time.Second

// checkpointing is the committer's state of the checkpoint in progress, or of the
// last one that failed: dirty, closed and dirs then remain for the next.
type checkpointing struct {
	running bool
	done    chan error   // capacity 1; one value for each checkpoint that was started
	seq     uint64       // journal files before this one are obsolete when it has succeeded
	dirty   []*segment   // to sync
	closed  []*segment   // become checkpointed when it has succeeded
	dirs    []*Log       // logs whose directories are to sync
	waiters []chan error // callers that it answers
	last    error        // of the last one
	failed  time.Time    // when that was, if it failed
}

// maybeCheckpoint starts a checkpoint if one is due and none runs. The state that it
// writes is collected here, between two groups and at the beginning of a journal
// file; a goroutine does the disk I/O while commits go on in that file.
func (cm *committer) maybeCheckpoint() {
	c := &cm.checkpoint
	cm.store.queueMu.Lock()
	wanted := len(cm.store.waiters) > 0
	cm.store.queueMu.Unlock()
	cm.dueCheckpoint = cm.dueCheckpoint || wanted
	if !cm.dueCheckpoint || c.running {
		return
	}
	if err := cm.store.Failed(); err != nil {
		cm.failWaiters(err)
		return
	}
	if time.Since(c.failed) < checkpointRetry {
		cm.failWaiters(c.last)
		return
	}
	if !cm.journal.fresh() {
		if err := cm.journal.rotate(); err != nil {
			cm.checkpointEnded(err)
			return
		}
	}
	cm.dueCheckpoint = false
	cm.adoptWaiters()
	state := cm.snapshot()
	c.running, c.done = true, make(chan error, 1)
	go func() { c.done <- cm.store.writeCheckpoint(state, c.dirty, c.dirs) }()
}

// Checkpoint makes a checkpoint and waits for it: all that was committed before the
// call is then durable in the segments, and the journal is not needed for it.
func (s *Store) Checkpoint(ctx context.Context) error {
	done := make(chan error, 1)
	s.queueMu.Lock()
	s.waiters = append(s.waiters, done)
	s.queueMu.Unlock()
	s.wakeCommitter()
	select {
	case err := <-done:
		return err
	case <-s.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// adoptWaiters moves the callers that wait for a checkpoint to the one that begins
// now.
func (cm *committer) adoptWaiters() {
	cm.store.queueMu.Lock()
	defer cm.store.queueMu.Unlock()
	cm.checkpoint.waiters = append(cm.checkpoint.waiters, cm.store.waiters...)
	cm.store.waiters = nil
}

// failWaiters answers the callers that wait for a checkpoint that is not made.
func (cm *committer) failWaiters(err error) {
	cm.adoptWaiters()
	cm.notifyWaiters(err)
}

func (cm *committer) notifyWaiters(err error) {
	for _, done := range cm.checkpoint.waiters {
		done <- err
	}
	cm.checkpoint.waiters = nil
}

// snapshot returns the encoded state of the store, and collects the segments and
// directories that have to be synced before it may be written.
func (cm *committer) snapshot() (state []byte) {
	c := &cm.checkpoint
	c.seq = cm.journal.seq
	expired := cm.store.opt.Now().Add(-cm.store.opt.ProducerExpiry).UnixMilli()
	for _, l := range cm.store.logs {
		l.expireProducers(expired)
		l.mu.Lock()
		for i, g := range l.segments {
			if g.dirty {
				g.dirty = false
				c.dirty = append(c.dirty, g)
			}
			if !g.checkpointed.Load() && i < len(l.segments)-1 {
				c.closed = append(c.closed, g)
			}
		}
		if l.dirDirty {
			l.dirDirty = false
			c.dirs = append(c.dirs, l)
		}
		l.mu.Unlock()
	}
	return cm.store.encodeCheckpoint(checkpointHead{cm.journal.seq, cm.journal.group})
}

// checkpointEnded frees the journal files that the checkpoint made obsolete. After
// an error it leaves the lists as they are: the next checkpoint does all of it
// again.
func (cm *committer) checkpointEnded(err error) {
	c := &cm.checkpoint
	c.running, c.last = false, err
	if err == nil {
		cm.journal.free(c.seq)
		for _, g := range c.closed {
			g.checkpointed.Store(true)
		}
		c.dirty, c.closed, c.dirs, c.failed = nil, nil, nil, time.Time{}
		cm.notifyWaiters(nil)
		return
	}
	c.failed, cm.dueCheckpoint = time.Now(), true
	if errors.Is(err, errSync) {
		err = cm.store.fail(err)
	} else { // no space, or no file descriptor
		cm.store.noteRefused(err)
		cm.store.log.Warn("cannot write a checkpoint, will try again", "err", err)
	}
	cm.failWaiters(err)
}

// awaitCheckpoint waits for the running checkpoint, if there is one, and returns the
// error of the last.
func (cm *committer) awaitCheckpoint() error {
	if cm.checkpoint.running {
		cm.checkpointEnded(<-cm.checkpoint.done)
	}
	return cm.checkpoint.last
}

// finalCheckpoint is called after the committer has returned, so that the next Open
// has nothing to replay.
func (cm *committer) finalCheckpoint() error {
	if err := cm.store.Failed(); err != nil {
		return err
	}
	if cm.journal.current == nil && cm.journal.group == cm.checkpointed {
		return nil // nothing was written since the store was opened
	}
	cm.dueCheckpoint, cm.checkpoint.failed = true, time.Time{}
	cm.maybeCheckpoint()
	return cm.awaitCheckpoint()
}

// writeCheckpoint syncs the segments and directories, then writes the state beside
// the old checkpoint and renames it over that. The order matters: the state must
// not become durable before the bytes that it names.
func (s *Store) writeCheckpoint(state []byte, dirty []*segment, dirs []*Log) error {
	if len(dirs) > 0 { // a log with a new segment may be new itself
		if err := s.syncDir("logs directory", s.logsDir()); err != nil {
			return err
		}
	}
	for _, g := range dirty {
		if err := g.sync(); err != nil {
			return err
		}
	}
	for _, l := range dirs {
		if err := s.syncDir("log directory", l.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	tmp := s.checkpointPath() + ".new"
	f, err := s.fs.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("create checkpoint: %w", err)
	}
	_, err = f.WriteAt(state, 0)
	if err == nil {
		err = failedRewrite("checkpoint", f.Datasync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := s.fs.Rename(tmp, s.checkpointPath()); err != nil {
		return fmt.Errorf("name checkpoint: %w", err)
	}
	return s.syncDir("data directory", s.dir)
}

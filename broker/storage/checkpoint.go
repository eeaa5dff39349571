package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// checkpointRetry is how long after one that failed the next checkpoint is tried.
const checkpointRetry = time.Second

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
		if err := s.journal.rotate(); err != nil {
			s.checkpointEnded(err)
			return
		}
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
	return s.encodeCheckpoint(checkpointHead{s.journal.seq, s.journal.group})
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
	if errors.Is(err, errSync) {
		err = s.fail(err)
	} else { // no room, or no file descriptor: all of it is written again
		s.noteRefused(err)
		s.log.Warn("cannot write a checkpoint, will try again", "err", err)
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

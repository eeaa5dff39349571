package storage

import (
	"errors"
	"sync"
	"time"
)

// IsFull reports whether a write failed because the disk is full.
func IsFull(err error) bool { return errors.Is(err, errNoSpace) || errors.Is(err, errQuota) }

// refusedFor is how long a refused write counts: whoever has something to write
// tries again sooner.
const refusedFor = 30 * time.Second

// refusal remembers that the disk did not take a write, because it is full or
// for a reason that may pass as well. The zero value says that it did.
type refusal struct {
	mu  sync.Mutex // guards the following
	err error      // of the newest write that was refused, nil since one was taken
	at  time.Time
}

// Refusing returns why writes are refused at present, or nil. The error is
// ErrFailed until the store is opened anew; another, such as that of a full disk
// (IsFull), until an append has succeeded; without one, for as long as
// refusedFor.
func (s *Store) Refusing() error {
	if err := s.Failed(); err != nil {
		return err
	}
	s.refused.mu.Lock()
	defer s.refused.mu.Unlock()
	if s.refused.err != nil && time.Since(s.refused.at) > refusedFor {
		s.refused.err = nil
	}
	return s.refused.err
}

// noteWrite learns from what became of a group whether the disk takes writes.
// Only an append says that it does: small values find room for longer.
func (s *Store) noteWrite(group []*Commit, err error) {
	appended := false
	for _, c := range group {
		for i := range c.ops {
			if o := &c.ops[i]; o.kind == opAppend && o.result != nil && err == nil {
				if IsFull(o.result.Err) {
					err = o.result.Err
				}
				appended = appended || !o.skip
			}
		}
	}
	if err != nil || appended {
		s.noteRefused(err)
	}
}

// noteRefused notes the error of a write that the disk did not take, or nil for
// one that it did. A store that has failed has said so.
func (s *Store) noteRefused(err error) {
	s.refused.mu.Lock()
	defer s.refused.mu.Unlock()
	switch was := s.refused.err; {
	case errors.Is(err, ErrFailed):
	case err != nil && was == nil:
		s.log.Error("the disk takes no writes, they are refused until it does; reads go on", "dir", s.dir, "full", IsFull(err), "err", err)
	case err == nil && was != nil:
		s.log.Info("the disk takes writes again", "dir", s.dir)
	}
	s.refused.err, s.refused.at = err, time.Now()
}

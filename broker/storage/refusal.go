package storage

import (
	"errors"
	"sync"
	"time"
)

// IsFull reports whether a write failed because the disk is full.
func IsFull(err error) bool { return errors.Is(err, errNoSpace) || errors.Is(err, errQuota) }

// refusedFor is how long a refused write is reported: a producer retries sooner.
const refusedFor = 30 * time.Second

// refusal records that the disk refused a write because it is full, or for another
// reason that may pass. The zero value means that it did not.
type refusal struct {
	mu  sync.Mutex // guards the following
	err error      // of the newest write that was refused, nil since one was taken
	at  time.Time
}

// Refusing returns the reason for which writes are refused at present, or nil.
// ErrFailed lasts until the store is opened again; another error, such as that of a
// full disk (IsFull), until an append has succeeded, or for refusedFor if there is
// none.
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

// noteWrite updates refusal from the outcome of a group. Only an append proves that
// the disk has space again: the journal has some in advance for small values.
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

// noteRefused records the error of a refused write, or nil for a successful one, and
// logs the change. ErrFailed is logged where the store fails.
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

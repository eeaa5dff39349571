// Package newest hands values from a producer to a consumer that wants the newest
// one only.
//
//	Put ──► one value, the newest wins ──► Take ──► lent until the next Take
//
// It promises that each value is taken or counted as missed, and that values are
// buffers that are used again: in the steady state nothing is allocated.
//
// Each value belongs to a period, and of one period at most one is taken: this is
// how a rate is limited. A value that gives way to another of its period is
// skipped, as intended. A period of which no value was taken in time is one
// dropped value: the consumer is too slow.
package newest

import (
	"context"
	"sync"
)

// Missed counts values that were not taken.
type Missed struct {
	Dropped int64 // the consumer was too slow for their period
	Skipped int64 // another value of their period was taken, or came later
}

// Slot holds the newest value. Producers take turns, one generation each; one
// goroutine calls Take and Newer.
type Slot[T any] struct {
	create func() *T

	// ready (capacity 1) is signalled, without blocking, when there is something
	// to take; Take checks again whenever it is.
	ready chan struct{}

	mu         sync.Mutex // guards the following
	generation int        // of the producer whose values are accepted
	value      *T         // the newest, not taken; nil: none
	period     int64      // value's
	lent       *T         // with the consumer until its next Take; nil: none
	taken      int64      // period of the value taken last
	free       []*T       // neither value, lent, nor with a producer
	missed     Missed     // since the value taken last
	total      Missed
	err        error // why there will be no further value
}

// New returns an empty slot, whose buffers are made by create.
func New[T any](create func() *T) *Slot[T] {
	return &Slot[T]{create: create, ready: make(chan struct{}, 1), taken: -1}
}

// NextGeneration ends the generation of the current producer, and returns the
// next one's. A value that is not taken yet is missed: it is stale by now.
func (s *Slot[T]) NextGeneration() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	if s.value != nil {
		s.miss(s.period, -1)
		s.free = append(s.free, s.value)
		s.value = nil
	}
	return s.generation
}

// Put gives the slot v, a value of a period (0 or more, never falling), and
// returns a buffer for the next one. It reports false, and v remains the
// producer's, if the generation is over.
func (s *Slot[T]) Put(v *T, generation int, period int64) (spare *T, current bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation {
		return v, false
	}
	switch n := len(s.free); {
	case s.value != nil:
		s.miss(s.period, period)
		spare = s.value
	case n > 0:
		spare, s.free = s.free[n-1], s.free[:n-1]
	default:
		spare = s.create()
	}
	s.value, s.period = v, period
	if period != s.taken {
		s.signal()
	}
	return spare, true
}

// miss counts a value that gives way to one of period next. The caller has
// locked mu.
func (s *Slot[T]) miss(period, next int64) {
	if period == s.taken || period == next {
		s.missed.Skipped++
		s.total.Skipped++
	} else {
		s.missed.Dropped++
		s.total.Dropped++
	}
}

func (s *Slot[T]) signal() {
	select {
	case s.ready <- struct{}{}:
	default: // Take has not taken the signal before: it will check
	}
}

// Fail makes Take return err once the present value has been taken.
func (s *Slot[T]) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.signal()
}

// Take waits for a value of a period later than that of the value before, and
// returns it with the count of those missed in between. The value is the caller's until
// the next call. The error is Fail's or ctx's.
func (s *Slot[T]) Take(ctx context.Context) (*T, Missed, error) {
	for {
		v, missed, err := s.take()
		if v != nil || err != nil {
			return v, missed, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, Missed{}, ctx.Err()
		}
	}
}

func (s *Slot[T]) take() (*T, Missed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lent != nil {
		s.free = append(s.free, s.lent)
		s.lent = nil
	}
	if s.value == nil || s.period == s.taken {
		return nil, Missed{}, s.err
	}
	missed := s.missed
	s.lent, s.taken, s.value, s.missed = s.value, s.period, nil, Missed{}
	return s.lent, missed, nil
}

// Newer returns, in place of the value that is lent, a newer one and the count of those
// missed with it, the value that it replaces included; nil if there is none.
func (s *Slot[T]) Newer() (*T, Missed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value == nil || s.lent == nil {
		return nil, Missed{}
	}
	replaced := s.taken
	s.taken = -1 // the consumer gives it back
	s.miss(replaced, s.period)
	missed := s.missed
	s.free = append(s.free, s.lent)
	s.lent, s.taken, s.value, s.missed = s.value, s.period, nil, Missed{}
	return s.lent, missed
}

// Missed returns the counts so far.
func (s *Slot[T]) Missed() Missed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Drain calls free for each buffer of the slot, also for the one that is lent.
// Those that producers have are theirs.
func (s *Slot[T]) Drain(free func(*T)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range append(s.free, s.value, s.lent) {
		if v != nil {
			free(v)
		}
	}
	s.value, s.lent, s.free = nil, nil, nil
}

package mirror

import (
	"context"
	"errors"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/internal/grace"
	"github.com/sightlog/sightlog/usage"
)

// pauses are those between attempts to open a session.
var pauses = backoff.Policy{First: 100 * time.Millisecond, Limit: 2 * time.Second}

// Run mirrors until ctx ends; then it finishes its transaction, within StopTimeout. With
// Config.Once it ends when all is mirrored that the source had when Run began. Faults of
// both clusters are retried until they pass. It returns an error only for what a user must
// change, a *usage.Error. Run may be called once.
func (m *Mirror) Run(ctx context.Context) error {
	for failures := 1; ctx.Err() == nil; failures++ {
		committed, err := m.runSession(ctx)
		switch {
		case err == nil, ctx.Err() != nil && !usage.Is(err):
			return nil
		case usage.Is(err):
			return err
		case errors.Is(err, errTopicsChanged), errors.Is(err, errOtherLog):
			failures = 0
			continue
		case committed:
			failures = 1
		}
		if errors.As(err, new(targetError)) {
			m.target.Failed(err)
		} else {
			m.source.Failed(err)
		}
		if pauses.Wait(ctx, failures) != nil {
			return nil
		}
	}
	return nil
}

// runSession runs a session until it fails, ctx ends or, with Config.Once, all is mirrored;
// in these two cases the error is nil. It reports whether it committed anything.
func (m *Mirror) runSession(ctx context.Context) (committed bool, err error) {
	work, cancel := grace.Context(ctx, m.cfg.StopTimeout)
	defer cancel()
	s := &session{Mirror: m}
	defer s.close()
	if err := s.open(ctx); err != nil {
		return false, err
	}
	for backlog := true; ctx.Err() == nil; {
		if s.reachedGoals() {
			return true, nil
		}
		if !backlog {
			_ = backoff.Sleep(ctx, m.cfg.Interval) // the loop ends with ctx
		}
		if backlog, err = s.step(ctx, work); err != nil {
			return s.committed, err
		}
	}
	return s.committed, nil
}

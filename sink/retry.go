package sink

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// retryPauses are the pauses between the attempts of retryUntilDone.
var retryPauses = backoff.Policy{First: 20 * time.Millisecond, Limit: 2 * time.Second}

// hurriedPause is the longest pause once Hurry was called.
const hurriedPause = 50 * time.Millisecond

// Hurry shortens the pauses between attempts, also those in progress: the process is about to stop,
// and whatever was away may be back.
func (s *Sink) Hurry() { s.hurryOnce() }

// pauseBefore waits before the next attempt, or until ctx ends.
func (s *Sink) pauseBefore(ctx context.Context, failures int) error {
	select {
	case <-s.hurried:
		return backoff.Sleep(ctx, min(hurriedPause, retryPauses.After(failures)))
	default:
	}
	pause := time.NewTimer(retryPauses.After(failures))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-s.hurried:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// retryUntilDone is Sink.retryUntilDone with the consumer's logger.
func (c *consumer) retryUntilDone(ctx context.Context, what string, partitions []topicPartition, do func(context.Context) error) error {
	return c.sink.retryUntilDone(ctx, c.log, what, partitions, do)
}

// retryUntilDone calls do until it succeeds, with growing pauses, or ctx ends. After a
// second the partitions that it delays are Waiting, and it is logged, again every
// half minute and when it succeeds. what names the operation, after "cannot".
func (s *Sink) retryUntilDone(ctx context.Context, log *slog.Logger, what string, partitions []topicPartition, do func(context.Context) error) error {
	var lastLogged, began time.Time
	for failures := 1; ; failures++ {
		try, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := do(try)
		cancel()
		if err == nil {
			if !lastLogged.IsZero() {
				for _, tp := range partitions {
					s.states.unblock(tp, Waiting)
				}
				log.Info("available again, continuing", "operation", what, "after", time.Since(began).Round(time.Millisecond))
			}
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if began.IsZero() {
			began = time.Now()
			s.metrics.waiting.Inc()
			defer s.metrics.waiting.Dec()
		}
		s.metrics.waits.Inc()
		if time.Since(began) > time.Second && time.Since(lastLogged) > 30*time.Second {
			lastLogged = time.Now()
			for _, tp := range partitions {
				s.states.block(tp, Waiting, "cannot "+what+": "+reason(err))
			}
			log.Warn("unavailable, retrying", "operation", what, "err", reason(err), "sqlstate", sqlstate(err))
		}
		if stopped := s.pauseBefore(ctx, failures); stopped != nil {
			return errors.Join(stopped, err)
		}
	}
}

// attemptTimeout bounds one attempt of a transaction, for a server that takes
// the connection and never answers.
const attemptTimeout = 30 * time.Second

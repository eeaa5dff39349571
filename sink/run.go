package sink

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/sightlog/sightlog/internal/backoff"
)

// Run consumes until ctx ends. Then each consumer finishes its transaction, within
// StopTimeout, and leaves the group; Run returns nil when all have. Records that were
// not stored are still in the log. Run may be called once.
func (s *Sink) Run(ctx context.Context) error {
	defer s.dead.Close()
	if err := s.applyFromWithRetry(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	s.fromApplied.Store(true)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.dayPartitions.keepAhead(ctx) })
	g.Go(func() error { return s.retention().run(ctx) })
	for i := range s.cfg.Consumers {
		g.Go(func() error { return s.consume(ctx, i) })
	}
	return g.Wait()
}

func (s *Sink) retention() *retention {
	return &retention{
		pool: s.cfg.Pool, log: s.cfg.Log, metrics: s.metrics, keep: s.cfg.Keep, cameras: s.cfg.CameraKeep, pause: backoff.Sleep,
		forget: s.forgetIDs, space: s.cfg.SnapshotSpace,
	}
}

// consume runs a consumer, and a new one when a topic was recreated: a client keeps
// the topic ids that it knows.
func (s *Sink) consume(ctx context.Context, number int) error {
	for again := true; again; {
		c, err := s.newConsumer(number)
		if err != nil {
			return fmt.Errorf("sink: %w", err) // cannot be: New made such a client
		}
		again = c.run(ctx)
	}
	return nil
}

package catchup

import (
	"context"
	"fmt"
	"time"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// half is what one side of a round took.
type half struct {
	took    time.Duration // the sink: from the first fetch to the last commit
	started time.Duration // the sink: from its start as a process to the last commit
	cpu     time.Duration // of the sink's process, its start included
	server  time.Duration
	process result.Process // of the sink
}

// drain has a new sink write the whole log into the empty tables.
func (r *run) drain(ctx context.Context, what string) (h half, err error) {
	if err := r.empty(ctx); err != nil {
		return h, err
	}
	before, err := r.server()
	if err != nil {
		return h, err
	}
	began := time.Now()
	p, err := r.Start()
	if err != nil {
		return h, err
	}
	err = r.untilCaughtUp(ctx, p)
	if err == nil {
		h.process, err = service.Usage("sink", p.PID())
	}
	after, serverErr := r.server() // while its sessions are there
	if err == nil {
		err = serverErr
	}
	if stopped := p.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return h, err
	}
	h.cpu = p.CPU()
	h.server = after - before
	var first, last time.Time
	if err := r.Pool.QueryRow(ctx, "SELECT min(fetched_at), max(committed_at) FROM batches").Scan(&first, &last); err != nil {
		return h, fmt.Errorf("read when the sink wrote: %w", err)
	}
	h.took, h.started = last.Sub(first), last.Sub(began)
	return h, r.verify(ctx, what, r.Sightings, false)
}

const (
	look  = 20 * time.Millisecond // between two questions whether the sink has caught up
	stall = time.Minute           // how long it may not advance
)

// untilCaughtUp waits until the tables hold what the log holds.
func (r *run) untilCaughtUp(ctx context.Context, p *service.Program) error {
	var last int64 = -1
	for news := time.Now(); ; {
		lag, err := sink.CaughtUp(ctx, r.log, r.Pool, kafka.Topics()...)
		switch {
		case err != nil:
			return err
		case lag == 0:
			return nil
		case lag != last:
			last, news = lag, time.Now()
		case time.Since(news) > stall:
			return fmt.Errorf("the sink has stalled: %d records are not written", lag)
		}
		select {
		case <-time.After(look):
		case <-p.Ended():
			return p.Failed()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

package sink

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Days this far from today get a partition of their own; rows of other days, from a
// wrong clock, are stored in the default partition.
const (
	daysBack  = 400
	daysAhead = 2
)

const day = 24 * time.Hour

// dayPartitions creates the tables' partitions, one a day, before rows need them.
type dayPartitions struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	now  func() time.Time

	mu   sync.Mutex // guards the following
	made map[time.Time]struct{}
}

func newDayPartitions(pool *pgxpool.Pool, log *slog.Logger) *dayPartitions {
	return &dayPartitions{pool: pool, log: log, now: time.Now, made: make(map[time.Time]struct{})}
}

// forget clears the cache, as idCache.forget does.
func (d *dayPartitions) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.made)
}

// ensure creates the partitions of t's day if they are missing and the day is in
// range.
func (d *dayPartitions) ensure(ctx context.Context, t time.Time) error {
	t = t.UTC().Truncate(day)
	d.mu.Lock()
	_, ok := d.made[t]
	d.mu.Unlock()
	if ok {
		return nil
	}
	today := d.now().UTC().Truncate(day)
	if t.Before(today.Add(-daysBack*day)) || t.After(today.Add(daysAhead*day)) {
		return nil
	}
	var own bool
	if err := d.pool.QueryRow(ctx, "SELECT sightlog_ensure_day($1)", t).Scan(&own); err != nil {
		return fmt.Errorf("make partitions of %s: %w", t.Format(time.DateOnly), err)
	}
	if !own {
		d.log.Warn("the default partition already holds rows of this day, so it gets no partition of its own", "day", t.Format(time.DateOnly))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.made) > 4*daysBack {
		clear(d.made)
	}
	d.made[t] = struct{}{}
	return nil
}

// keepAhead creates the partitions of today and the next days, now and every hour,
// until ctx ends, so that no transaction has to wait for them at midnight.
func (d *dayPartitions) keepAhead(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		for i := range daysAhead + 1 {
			if err := d.ensure(ctx, d.now().Add(time.Duration(i)*day)); err != nil && ctx.Err() == nil {
				d.log.Warn("cannot make partitions ahead; the sink makes them when they are needed", "err", err)
				break
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

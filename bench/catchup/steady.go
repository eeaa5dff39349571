package catchup

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/event"
)

// steady sends sightings at the rate to a sink that has caught up, once for each round, and
// adds the latencies to the rounds.
func (r *run) steady(ctx context.Context) error {
	if err := r.empty(ctx); err != nil {
		return err
	}
	p, err := r.Start()
	if err != nil {
		return err
	}
	began, err := r.sendAll(ctx, p)
	if stopped := p.Stop(); err == nil { // it writes when its last transaction was acknowledged
		err = stopped
	}
	if err != nil {
		return err
	}
	for n := range r.Rounds {
		if err := r.latencies(ctx, began[n], began[n+1], &r.report.Rounds[n]); err != nil {
			return err
		}
	}
	return r.verify(ctx, "the steady rate", r.Rounds*r.due(), true)
}

// dropSteady removes the latencies of the rounds, of which not all are there.
func (r *run) dropSteady() {
	for n := range r.report.Rounds {
		r.report.Rounds[n].Histograms = map[string]*result.Histogram{}
		delete(r.report.Rounds[n].Values, result.P50)
		delete(r.report.Rounds[n].Values, result.P99)
	}
}

// sendAll sends the sightings of all rounds to a sink and returns when each round began, and
// when the last had ended.
func (r *run) sendAll(ctx context.Context, p *service.Program) (began []time.Time, err error) {
	r.Progress("a sink catches up")
	if err := r.untilCaughtUp(ctx, p); err != nil {
		return nil, err
	}
	for n := range r.Rounds {
		r.Progress(fmt.Sprintf("steady rate, %d of %d", n+1, r.Rounds))
		began = append(began, time.Now())
		if err := r.send(ctx, n, began[n]); err != nil {
			return nil, err
		}
		if err := r.untilCaughtUp(ctx, p); err != nil {
			return nil, err
		}
	}
	return append(began, time.Now()), nil
}

// due is how many sightings a round of the steady rate has.
func (r *run) due() int { return max(1, int(r.Rate*r.Duration.Seconds())) }

// send sends each sighting when it is due, in an open loop: captured_at is when it was.
func (r *run) send(ctx context.Context, round int, began time.Time) error {
	var failed error // written by one goroutine of the client, read after Flush
	every := time.Duration(float64(time.Second) / r.Rate)
	for n := range r.due() {
		due := began.Add(time.Duration(n) * every)
		service.SleepUntil(due)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s := r.sighting(fmt.Sprint("steady-", round), n, due)
		s.ProducedAt = event.At(time.Now())
		rec, err := record(s)
		if err != nil {
			return err
		}
		r.log.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err != nil && failed == nil {
				failed = fmt.Errorf("produce: %w", err)
			}
		})
	}
	if err := r.log.Flush(ctx); err != nil {
		return err
	}
	return failed
}

// latencies reads those of the sightings that were due between two times.
func (r *run) latencies(ctx context.Context, began, ended time.Time, into *result.Round) error {
	committed, written := result.NewHistogram(), result.NewHistogram()
	for _, h := range []struct {
		into *result.Histogram
		sql  string
	}{
		{committed, "SELECT committed_at - captured_at FROM sightings JOIN batches USING (batch_id) WHERE captured_at >= $1 AND captured_at < $2"},
		{written, "SELECT committed_at - fetched_at FROM batches WHERE fetched_at >= $1 AND fetched_at < $2"},
	} {
		rows, err := r.Pool.Query(ctx, h.sql, event.At(began).Time, event.At(ended).Time)
		if err != nil {
			return fmt.Errorf("read the latencies: %w", err)
		}
		var d time.Duration
		if _, err := pgx.ForEachRow(rows, []any{&d}, func() error { h.into.Add(d); return nil }); err != nil {
			return fmt.Errorf("read the latencies: %w", err)
		}
	}
	if n := int64(r.due()); committed.N() != n {
		return fmt.Errorf("no figures: %d of %d sightings at the steady rate have a time of their commit", committed.N(), n)
	}
	into.Histograms = map[string]*result.Histogram{result.DueCommitted: committed, Transaction: written}
	into.Values[result.P50], into.Values[result.P99] = committed.Quantile(.5), committed.Quantile(.99)
	return nil
}

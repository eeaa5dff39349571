package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Replay writes the log into the tables of cfg.Pool until these hold all of it, and
// reports the lag meanwhile. The tables are empty, or those of a replay that was
// interrupted, which goes on. since is the time from which records are written (that of
// their production); zero: all.
func Replay(ctx context.Context, cfg Config, since time.Time, progress func(lag int64)) error {
	s, err := New(cfg)
	if err != nil {
		return err
	}
	cl, err := s.cfg.Kafka.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	if !since.IsZero() {
		if err := s.startAt(ctx, kadm.NewClient(cl), since); err != nil {
			return err
		}
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(run) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return joinCause(ctx, err)
		case <-tick.C:
		}
		for _, p := range s.Blocked() {
			if p.State == Stopped {
				stop()
				return errors.Join(fmt.Errorf("replay: %s", p), <-done)
			}
		}
		lag, err := CaughtUp(ctx, cl, s.cfg.Pool, s.cfg.Topics...)
		if err != nil {
			continue // the sink waits for the same, and logs it
		}
		progress(lag)
		if lag == 0 {
			stop()
			return <-done
		}
	}
}

// joinCause returns err, or why ctx ended.
func joinCause(ctx context.Context, err error) error {
	if err == nil {
		return context.Cause(ctx)
	}
	return err
}

// startAt stores the offsets of the first records at or after a time. Runs are written
// from the start: sightings need them.
func (s *Sink) startAt(ctx context.Context, adm *kadm.Client, since time.Time) error {
	log, _, err := s.readBoth(ctx, adm, s.cfg.Topics)
	if err != nil {
		return err
	}
	offsets, err := adm.ListOffsetsAfterMilli(ctx, since.UnixMilli(), s.cfg.Topics...)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return fmt.Errorf("find the offsets of %s: %w", since.Format(time.RFC3339), err)
	}
	b := new(pgx.Batch)
	offsets.Each(func(o kadm.ListedOffset) {
		if o.Topic != kafka.Runs {
			b.Queue(`INSERT INTO sink_offsets (cluster_id, topic_id, partition, topic, next)
				VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, log.cluster, uuid(log.ids[o.Topic]), o.Partition, o.Topic, o.Offset)
		}
	})
	if err := sendIn(ctx, s.cfg.Pool, b); err != nil {
		return fmt.Errorf("store the offsets of %s: %w", since.Format(time.RFC3339), err)
	}
	return nil
}

// Complete returns a *usage.Error if the log lacks records that the tables may have:
// its sightings or crossings do not begin at offset 0.
func Complete(ctx context.Context, cl *kgo.Client) error {
	adm := kadm.NewClient(cl)
	starts, err := adm.ListStartOffsets(ctx, kafka.Sightings, kafka.Crossings)
	if err != nil {
		return fmt.Errorf("list start offsets: %w", err)
	}
	var gone error
	starts.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 && gone == nil {
			gone = usage.New("replay into another database (--into) instead",
				"the log has no records of %s/%d before offset %d any more: tables rebuilt from it would lack them", o.Topic, o.Partition, o.Offset)
		}
	})
	return gone
}

// ErrBehind means that tables do not hold all yet that others hold.
var ErrBehind = errors.New("the rebuilt tables are behind")

// CoversOffsets checks, in a transaction, that the stored offsets of a schema are not
// before those of the live one, to which tx's search path is set: ErrBehind, or a
// *usage.Error for a partition that the schema does not have at all.
func CoversOffsets(ctx context.Context, tx pgx.Tx, with string) error {
	var topic, cluster string
	var partition int32
	var missing bool
	err := tx.QueryRow(ctx, `SELECT l.cluster_id, l.topic, l.partition, w.next IS NULL
		FROM sink_offsets l LEFT JOIN `+pgx.Identifier{with}.Sanitize()+`.sink_offsets w USING (cluster_id, topic_id, partition)
		WHERE w.next IS NULL OR w.next < l.next ORDER BY 4 DESC LIMIT 1`).Scan(&cluster, &topic, &partition, &missing)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case missing:
		return usage.New("replay into another database (--into) instead",
			"the tables also hold %s/%d of cluster %s, which this log does not have: rebuilt tables would lack it", topic, partition, cluster)
	}
	return ErrBehind
}

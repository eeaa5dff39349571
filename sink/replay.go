package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Replay writes the log into the tables of cfg.Pool until these hold all of it, and
// reports the lag meanwhile. The tables are empty, or those of a replay that was
// interrupted, which goes on. since is the time from which records are written (that of
// their production); zero: all. cfg.From, which goes before it, are offsets to begin at.
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
	if !since.IsZero() || len(s.cfg.From) > 0 {
		if err := s.startAt(ctx, kadm.NewClient(cl), since); err != nil {
			s.dead.Close()
			return err
		}
	}
	return s.replay(ctx, func() (int64, error) { return CaughtUp(ctx, cl, s.cfg.Pool, s.cfg.Topics...) }, progress)
}

// ReplayTo is Replay of all records up to the offsets of other tables, and of none beyond.
func ReplayTo(ctx context.Context, cfg Config, end Bound, progress func(lag int64)) error {
	s, err := New(cfg)
	if err != nil {
		return err
	}
	cl, err := s.cfg.Kafka.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	s.bounded = newBounded(end)
	left := func() (int64, error) { return s.bounded.left(ctx, cl, s.cfg.Pool) }
	lag, err := left()
	if err == nil && lag > 0 {
		err = s.replay(ctx, left, progress)
	} else {
		s.dead.Close()
	}
	if err != nil {
		return err
	}
	return s.bounded.store(ctx, cl, s.cfg.Pool)
}

// ReadBound reads the stored offsets of the tables of db, a pool or a transaction.
func ReadBound(ctx context.Context, cl *kgo.Client, db querier) (Bound, error) {
	log, err := readLog(ctx, kadm.NewClient(cl), kafka.Topics())
	if err != nil {
		return nil, err
	}
	return boundIn(ctx, log, db)
}

// boundIn is ReadBound of the topics of log alone.
func boundIn(ctx context.Context, log *logState, db querier) (Bound, error) {
	rows, err := readRows(ctx, db, log.cluster)
	if err != nil {
		return nil, err
	}
	b := make(Bound)
	for tp := range log.leaders {
		if at, ok := rows[rowKey{log.ids[tp.topic], tp.partition}]; ok {
			b[tp] = at.next
		}
	}
	return b, nil
}

// left returns how many offsets are not stored yet.
func (b *bounded) left(ctx context.Context, cl *kgo.Client, db querier) (lag int64, err error) {
	log, err := readLog(ctx, kadm.NewClient(cl), kafka.Topics())
	if err != nil {
		return 0, err
	}
	rows, err := readRows(ctx, db, log.cluster)
	if err != nil {
		return 0, err
	}
	for tp, end := range b.ends {
		if next := rows[rowKey{log.ids[tp.topic], tp.partition}].next; !b.reached(tp, next) {
			lag += end - next
		}
	}
	return lag, nil
}

// store stores the end of each partition. No record lies between the last one and it.
func (b *bounded) store(ctx context.Context, cl *kgo.Client, pool *pgxpool.Pool) error {
	log, err := readLog(ctx, kadm.NewClient(cl), kafka.Topics())
	if err != nil {
		return err
	}
	batch := new(pgx.Batch)
	for tp, end := range b.ends {
		batch.Queue(`INSERT INTO sink_offsets (cluster_id, topic_id, partition, topic, next) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (cluster_id, topic_id, partition) DO UPDATE SET next = excluded.next WHERE sink_offsets.next < excluded.next`,
			log.cluster, uuid(log.ids[tp.topic]), tp.partition, tp.topic, end)
	}
	if err := sendIn(ctx, pool, batch); err != nil {
		return fmt.Errorf("store the offsets: %w", err)
	}
	return nil
}

// replay runs the Sink until left, which is asked now and then, returns 0.
func (s *Sink) replay(ctx context.Context, left func() (lag int64, err error), progress func(lag int64)) error {
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
		lag, err := left()
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

// startAt stores the offsets to begin at: of Config.From, else of the first records at or after a
// time. By time, runs are written from the start: sightings need them.
func (s *Sink) startAt(ctx context.Context, adm *kadm.Client, since time.Time) error {
	log, _, err := s.readBoth(ctx, adm, s.cfg.Topics)
	if err != nil {
		return err
	}
	if err := s.checkFrom(log); err != nil {
		return err
	}
	var later kadm.ListedOffsets
	if !since.IsZero() {
		if later, err = adm.ListOffsetsAfterMilli(ctx, since.UnixMilli(), s.cfg.Topics...); err == nil {
			err = later.Error()
		}
		if err != nil {
			return fmt.Errorf("find the offsets of %s: %w", since.Format(time.RFC3339), err)
		}
	}
	b := new(pgx.Batch)
	for tp, span := range log.spans {
		o, begins := later.Lookup(tp.topic, tp.partition)
		begins = begins && tp.topic != kafka.Runs
		if f, ok := s.chosen(tp); ok {
			if o.Offset, err = f.in(span); err != nil {
				return err
			}
			begins = true
		}
		if begins {
			b.Queue(`INSERT INTO sink_offsets (cluster_id, topic_id, partition, topic, next)
				VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, log.cluster, uuid(log.ids[tp.topic]), tp.partition, tp.topic, o.Offset)
		}
	}
	if err := sendIn(ctx, s.cfg.Pool, b); err != nil {
		return fmt.Errorf("store the offsets to begin at: %w", err)
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

// SameOffsets checks, in a transaction, that the stored offsets of a schema are those of
// the live one, to which tx's search path is set: ErrBehind if they are before them, or a
// *usage.Error for a partition that the schema does not have at all, or of which it has
// more: of that more, nobody would make alarms and events of the outbox.
func SameOffsets(ctx context.Context, tx pgx.Tx, with string) error {
	var topic, cluster string
	var partition int32
	var missing, more bool
	err := tx.QueryRow(ctx, `SELECT l.cluster_id, l.topic, l.partition, w.next IS NULL, coalesce(w.next > l.next, false)
		FROM sink_offsets l LEFT JOIN `+pgx.Identifier{with}.Sanitize()+`.sink_offsets w USING (cluster_id, topic_id, partition)
		WHERE w.next IS DISTINCT FROM l.next ORDER BY 4 DESC, 5 DESC LIMIT 1`).Scan(&cluster, &topic, &partition, &missing, &more)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case missing:
		return usage.New("replay into another database (--into) instead",
			"the tables also hold %s/%d of cluster %s, which this log does not have: rebuilt tables would lack it", topic, partition, cluster)
	case more:
		return usage.New("wait until the sinks are as far, or drop schema "+with+" and replay again",
			"the rebuilt tables hold records of %s/%d that the sinks have not written yet", topic, partition)
	}
	return ErrBehind
}

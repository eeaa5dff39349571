package sink

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// chosen returns the From that applies to a partition: the most specific, and among
// those the last.
func (s *Sink) chosen(tp topicPartition) (from From, ok bool) {
	rank := -1
	for _, f := range s.cfg.From {
		r := 0
		switch {
		case f.Topic == "":
		case f.Topic != tp.topic:
			continue
		case f.Partition < 0:
			r = 1
		case f.Partition != tp.partition:
			continue
		default:
			r = 2
		}
		if r >= rank {
			from, ok, rank = f, true, r
		}
	}
	return from, ok
}

// applyFromWithRetry applies Config.From. It waits for the database and the broker
// until ctx ends; it returns only errors of what the user gave.
func (s *Sink) applyFromWithRetry(ctx context.Context) error {
	if len(s.cfg.From) == 0 {
		return nil
	}
	cl, err := s.cfg.Kafka.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	var refused error
	err = s.retryUntilDone(ctx, s.cfg.Log, "read the stored offsets", nil, func(ctx context.Context) error {
		err := s.applyFrom(ctx, kadm.NewClient(cl))
		if usage.Is(err) {
			refused = err
			return nil
		}
		return err
	})
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(err, refused)
}

// applyFrom sets the stored offsets of the partitions that would be stopped to those
// that a user has chosen.
func (s *Sink) applyFrom(ctx context.Context, adm *kadm.Client) error {
	log, rows, err := s.readBoth(ctx, adm, s.cfg.Topics)
	if err != nil {
		return err
	}
	at := make(map[topicPartition]position)
	for tp := range log.spans {
		if p, ok := rows[rowKey{log.ids[tp.topic], tp.partition}]; ok {
			at[tp] = p
		}
	}
	if err := s.checkFrom(log); err != nil {
		return err
	}
	wrong, err := s.compare(ctx, adm, log, at)
	if err != nil {
		return err
	}
	for tp, why := range wrong {
		f, ok := s.chosen(tp)
		if !ok {
			continue
		}
		next, err := f.in(log.spans[tp])
		if err != nil {
			return err
		}
		if err := s.moveOffset(ctx, tp, at[tp], next); err != nil {
			return err
		}
		s.cfg.Log.Warn("continuing from the offset given by --from", "topic", tp.topic, "partition", tp.partition, "offset", next, "from", f.String(), "reason", why)
	}
	return nil
}

// checkFrom returns a *usage.Error if Config.From names what is not read.
func (s *Sink) checkFrom(log *logState) error {
	for _, f := range s.cfg.From {
		_, known := log.ids[f.Topic]
		if _, ok := log.spans[topicPartition{f.Topic, f.Partition}]; f.Topic != "" && !known || f.Partition >= 0 && !ok {
			return usage.New("name a topic and partition that the sinks read", "--from %s: there is none", f)
		}
	}
	return nil
}

// in returns the offset that f is in a log.
func (f From) in(log span) (next int64, err error) {
	switch next = f.Offset; {
	case next == Earliest:
		return log.start, nil
	case next == Latest:
		return log.end, nil
	case next < log.start || next > log.end:
		return 0, usage.New("give an offset that it holds", "--from %s: the log holds %d to %d", f, log.start, log.end)
	}
	return next, nil
}

// moveOffset sets the stored offset of a partition, if it is still the one of p.
func (s *Sink) moveOffset(ctx context.Context, tp topicPartition, p position, next int64) error {
	_, err := s.cfg.Pool.Exec(ctx, `UPDATE sink_offsets SET next = $1, last_offset = NULL, last_epoch = NULL, last_digest = NULL
		WHERE cluster_id = $2 AND topic_id = $3 AND partition = $4 AND next = $5`, next, p.cluster, uuid(p.topic), tp.partition, p.next)
	if err != nil {
		return fmt.Errorf("move the stored offset of %s: %w", tp, err)
	}
	return nil
}

// passExpired returns the position behind what the log has removed before it was written. That is so of snapshots
// alone: they are best effort and kept for a week. Any other partition is stopped for it.
func (s *Sink) passExpired(ctx context.Context, tp topicPartition, p position, log span) (position, error) {
	if tp.topic != kafka.SnapshotTopic || p.next >= log.start {
		return p, nil
	}
	if err := s.moveOffset(ctx, tp, p, log.start); err != nil {
		return p, err
	}
	s.cfg.Log.Warn("the log removed snapshots before they were written: going on behind them", "topic", tp.topic, "partition", tp.partition, "from", p.next, "to", log.start)
	p.next, p.last = log.start, unknownRecord
	return p, nil
}

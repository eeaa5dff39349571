package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds in the loop.
const (
	pollTime   = time.Second     // of a poll without records
	listEvery  = 5 * time.Second // between looks for new topics and partitions
	answerTime = 10 * time.Second
)

// step mirrors one poll in one transaction. It reports whether there may be a backlog.
func (s *session) step(ctx, work context.Context) (backlog bool, err error) {
	short, cancel := context.WithTimeout(ctx, pollTime)
	fetches := s.src.PollRecords(short, s.records)
	cancel()
	if ctx.Err() != nil {
		return false, nil
	}
	if err := fetchError(fetches); err != nil {
		return false, err
	}
	recs, next, err := s.collect(fetches)
	if err != nil {
		return false, err
	}
	if len(recs) > 0 {
		if err := s.write(work, recs, next); err != nil {
			return false, err
		}
	}
	s.source.OK()
	s.target.OK()
	return fetches.NumRecords() >= s.records, s.maintain(work)
}

// fetchError returns the first error of a poll that is one.
func fetchError(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) { // nothing came within the poll
			return fmt.Errorf("fetch %s partition %d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	return nil
}

// collect returns the records of a transaction, the positions among them, and these.
func (s *session) collect(fetches kgo.Fetches) (recs []*kgo.Record, next map[topicPartition]position, err error) {
	next = make(map[topicPartition]position)
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		tp := topicPartition{f.Topic, f.Partition}
		before, reading := s.next[tp]
		if !reading || len(f.Records) == 0 {
			return
		}
		records := f.Records
		if records[0].Offset < before.Next { // the last one that was mirrored, read again
			err = cmp.Or(err, s.compareLast(tp, before, records[0]))
			records = records[1:]
		}
		for _, r := range records {
			if !r.Attrs.IsControl() {
				recs = append(recs, copyOf(r))
			}
		}
		if len(records) > 0 {
			next[tp] = positionAfter(records[len(records)-1], before.TopicID, s.writer)
			s.metrics.setLag(tp, f.LastStableOffset-next[tp].Next)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	for _, tp := range sorted(next) {
		rec, err := next[tp].record(s.identity, tp)
		if err != nil {
			return nil, nil, err
		}
		recs = append(recs, rec)
	}
	return recs, next, nil
}

// compareLast compares the record before a position with the one that was mirrored. If it is
// another one, the next session does with the partition what Config.Remirror says.
func (s *session) compareLast(tp topicPartition, p position, r *kgo.Record) error {
	if digest(r) == p.Digest {
		return nil
	}
	s.foreign[tp] = p
	return errOtherLog
}

// copyOf returns the record to produce. Its partition is that at the source, for placing.
func copyOf(r *kgo.Record) *kgo.Record {
	return &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
}

// write writes a transaction. After a failure the next ones are smaller: it may have taken
// too long on a slow line.
func (s *session) write(ctx context.Context, recs []*kgo.Record, next map[topicPartition]position) error {
	if err := s.txn.Write(ctx, recs); err != nil {
		s.metrics.transactions.WithLabelValues("failed").Inc()
		s.records = max(1, s.records/2)
		return atTarget(explain(err))
	}
	s.records = min(s.cfg.MaxRecords, 2*s.records)
	s.committed = true
	s.metrics.transactions.WithLabelValues("committed").Inc()
	for tp, p := range next {
		s.next[tp], s.acked[tp] = p, p.Next
		delete(s.foreign, tp)
	}
	for _, r := range recs[:len(recs)-len(next)] {
		s.metrics.records.WithLabelValues(r.Topic).Inc()
		s.metrics.bytes.Add(float64(len(r.Key) + len(r.Value)))
	}
	return nil
}

// explain adds to a refusal of a record what lets it pass.
func explain(err error) error {
	switch {
	case errors.Is(err, kerr.InvalidTimestamp):
		return fmt.Errorf("%w; the clocks differ: correct that of the source, and set message.timestamp.after.max.ms of the target's topics higher until its records are mirrored", err)
	case errors.Is(err, kerr.MessageTooLarge):
		return fmt.Errorf("%w; set max.message.bytes of the target's topics higher", err)
	}
	return err
}

// maintain commits the offsets at the source and looks for new topics and partitions, each
// from time to time.
func (s *session) maintain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if time.Since(s.groupTime) >= groupEvery {
		s.commitGroup(ctx)
	}
	if time.Since(s.log.at) < listEvery {
		return nil
	}
	log, err := listLog(ctx, s.adm, s.cfg.Topics)
	if err != nil {
		return err
	}
	same := log.sameTopics(s.log)
	s.log = log
	if !same {
		return errTopicsChanged
	}
	return nil
}

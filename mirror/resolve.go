package mirror

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// resolve decides where each partition is read on: at its position, if that is one of this
// log; at the start of a partition that has none.
func (s *session) resolve(ctx context.Context, at map[topicPartition]position) error {
	s.next = make(map[topicPartition]position, len(s.log.spans))
	ended, err := s.endsOfEpochs(ctx, at)
	if err != nil {
		return err
	}
	var removed []string // partitions
	var records int64
	for _, tp := range sorted(s.log.spans) {
		span, id := s.log.spans[tp], s.log.ids[tp.topic]
		p, known := at[tp]
		if !known || p.TopicID != id { // new to the target, or the topic was created again
			s.next[tp] = position{TopicID: id, Next: span.start, Epoch: -1}
			continue
		}
		why := mismatch(p, span, ended[tp])
		if why == "" && s.foreign[tp] == p {
			why = "the record before that is another one; an older copy was put back"
		}
		if why != "" {
			if !s.cfg.Remirror {
				return usage.New("put back the right log, or "+s.cfg.OtherLog,
					"topic %s partition %d of the source is not the one that was mirrored up to %d: %s", tp.topic, tp.partition, p.Next, why)
			}
			s.cfg.Log.Warn("mirroring a partition from its beginning: it is not the one that was mirrored",
				"topic", tp.topic, "partition", tp.partition, "reason", why)
			s.next[tp] = position{TopicID: id, Next: span.start, Epoch: -1}
			continue
		}
		if p.Next < span.start {
			if !s.cfg.Drop && tp.topic != kafka.SnapshotTopic {
				return usage.New("add --drop-oldest to continue after them",
					"topic %s partition %d of the source begins at %d and was mirrored up to %d: records were removed before they were mirrored",
					tp.topic, tp.partition, span.start, p.Next)
			}
			if n := span.start - max(p.Next, s.dropped[tp]); n > 0 {
				s.dropped[tp] = span.start
				s.metrics.dropped.WithLabelValues(tp.topic).Add(float64(n))
				records += n
				removed = append(removed, fmt.Sprintf("%s/%d", tp.topic, tp.partition))
			}
			p.Next, p.Epoch, p.Digest = span.start, -1, ""
		}
		s.next[tp] = p
	}
	if records > 0 {
		s.cfg.Log.Warn("records were removed before they were mirrored, continuing after them", "records", records, "partitions", strings.Join(removed, " "))
	}
	return nil
}

// mismatch returns why a position cannot be one of the log, or "". ended is where the leader
// epoch of the record before it ended, -1 if that is not known (KIP-320).
func mismatch(p position, log span, ended int64) string {
	switch {
	case p.Next > log.end:
		return fmt.Sprintf("it ends at %d; it lost its end, or an older copy was put back", log.end)
	case ended >= 0 && ended < p.Next:
		return fmt.Sprintf("leader epoch %d ended at %d; it lost its end and has grown again, or an older copy was put back", p.Epoch, ended)
	}
	return ""
}

// endsOfEpochs returns where the leader epochs of positions ended, -1 where it is not known.
func (s *session) endsOfEpochs(ctx context.Context, at map[topicPartition]position) (map[topicPartition]int64, error) {
	ended := make(map[topicPartition]int64, len(at))
	var req kadm.OffsetForLeaderEpochRequest
	for tp, p := range at {
		ended[tp] = -1
		if _, exists := s.log.spans[tp]; exists && p.Epoch >= 0 && p.TopicID == s.log.ids[tp.topic] {
			req.Add(tp.topic, tp.partition, p.Epoch)
		}
	}
	if len(req) == 0 {
		return ended, nil
	}
	answers, err := s.adm.OffsetForLeaderEpoch(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("ask where leader epochs ended: %w", err)
	}
	for _, partitions := range answers {
		for _, a := range partitions {
			if a.Err != nil {
				return nil, fmt.Errorf("ask where leader epoch %d of %s partition %d ended: %w", a.LeaderEpoch, a.Topic, a.Partition, a.Err)
			}
			ended[topicPartition{a.Topic, a.Partition}] = a.EndOffset
		}
	}
	return ended, nil
}

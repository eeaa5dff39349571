package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An offset belongs to one history of its log. After an older copy of the log was
// restored, or its tail was lost, the same offset is assigned again to another
// record, under the same cluster and topic id. So the tables store, beside the
// offset, the identity of the record before it.

// compare returns the partitions whose log does not continue the stored one, with the
// reason. It checks, in this order:
//
//   - the offset must lie in the log;
//   - the record before it, if it is in the log and its identity is stored, must be
//     the stored one;
//   - if it is no longer in the log (retention, compaction), its leader epoch must
//     have ended at the offset or later (KIP-320). An epoch that the log does not
//     know is accepted.
func (s *Sink) compare(ctx context.Context, adm *kadm.Client, log *logState, at map[topicPartition]position) (map[topicPartition]string, error) {
	wrong := make(map[topicPartition]string)
	read, gone := make(map[topicPartition]position), make(map[topicPartition]position)
	for tp, p := range at {
		span, ok := log.spans[tp]
		switch {
		case !ok:
			return nil, fmt.Errorf("the log's offsets of %s are not known", tp)
		case p.next < span.start:
			wrong[tp] = span.mismatch(p, "records were removed before they were written")
		case p.next > span.end:
			wrong[tp] = span.mismatch(p, "the log lost its end, or an older copy was put back")
		case p.last.offset != p.next-1, len(p.last.digest) == 0: // not known
		case p.last.offset < span.start:
			gone[tp] = p
		default:
			read[tp] = p
		}
	}
	records, err := s.readRecords(ctx, log, read)
	if err != nil {
		return nil, err
	}
	for tp, p := range read {
		switch r := records[tp]; {
		case r == nil:
			gone[tp] = p
		case !bytes.Equal(digest(r), p.last.digest):
			wrong[tp] = log.spans[tp].mismatch(p, fmt.Sprintf("and its record %d is not the one in the tables: the log lost its end and has grown again, or an older copy was put back", r.Offset))
		}
	}
	return wrong, s.compareEpochs(ctx, adm, log, gone, wrong)
}

// CheckHistory returns the partitions of the sink's topics whose log does not
// continue what the tables hold, whoever in the group has them, as stopped ones.
// Their offsets may be those of the log's ends: no lag shows it, and a consumer
// finds it only when it is assigned the partition. Those that are new to the
// tables are left out. It is an error before Run has applied Config.From.
func (s *Sink) CheckHistory(ctx context.Context, cl *kgo.Client) (wrong []PartitionState, err error) {
	if !s.fromApplied.Load() {
		return nil, errors.New("the sink has not applied Config.From yet")
	}
	adm := kadm.NewClient(cl)
	log, rows, err := s.readBoth(ctx, adm, s.cfg.Topics)
	if err != nil {
		return nil, err
	}
	at := make(map[topicPartition]position)
	for tp := range log.spans {
		if p, ok := rows[rowKey{log.ids[tp.topic], tp.partition}]; ok {
			at[tp] = p
		}
	}
	why, err := s.compare(ctx, adm, log, at)
	for tp, reason := range why {
		wrong = append(wrong, PartitionState{Topic: tp.topic, Partition: tp.partition, State: Stopped, Reason: reason})
	}
	sortPartitions(wrong)
	return wrong, err
}

// compareEpochs adds the partitions to wrong whose last record's leader epoch
// ended before it.
func (s *Sink) compareEpochs(ctx context.Context, adm *kadm.Client, log *logState, at map[topicPartition]position, wrong map[topicPartition]string) error {
	var req kadm.OffsetForLeaderEpochRequest
	for tp, p := range at {
		if p.last.epoch >= 0 {
			req.Add(tp.topic, tp.partition, p.last.epoch)
		}
	}
	if len(req) == 0 {
		return nil
	}
	ends, err := adm.OffsetForLeaderEpoch(ctx, req)
	if err != nil {
		return fmt.Errorf("ask where leader epochs ended: %w", err)
	}
	for tp, p := range at {
		end, ok := ends[tp.topic][tp.partition]
		switch {
		case !ok:
		case end.Err != nil:
			return fmt.Errorf("ask where leader epoch %d of %s ended: %w", p.last.epoch, tp, end.Err)
		case end.EndOffset >= 0 && end.EndOffset < p.next:
			wrong[tp] = log.spans[tp].mismatch(p, fmt.Sprintf("and leader epoch %d, which the tables hold up to there, ended at %d: the log lost its end and has grown again, or an older copy was put back", p.last.epoch, end.EndOffset))
		}
	}
	return nil
}

// mismatch returns the reason for which a partition is stopped, in one line.
func (s span) mismatch(p position, why string) string {
	return fmt.Sprintf("the tables are at offset %d, the log holds %d to %d, %s; say where to read on: --from earliest doubles nothing",
		p.next, s.start, s.end, why)
}

// readBytes is the size requested to find one record. The broker returns a first
// batch even if it is larger.
const readBytes = 64 << 10

// readRecords returns the record before each position, without those that compaction
// has removed. Each response has at least one batch, so that the loop ends.
func (s *Sink) readRecords(ctx context.Context, log *logState, at map[topicPartition]position) (map[topicPartition]*kgo.Record, error) {
	byLeader := make(map[int32][]topicPartition)
	for tp := range at {
		byLeader[log.leaders[tp]] = append(byLeader[log.leaders[tp]], tp)
	}
	found := make(map[topicPartition]*kgo.Record)
	for leader, left := range byLeader {
		for len(left) > 0 {
			answered, err := s.readFrom(ctx, leader, log, at, left, found)
			if err != nil {
				return nil, err
			}
			if len(answered) == 0 {
				break // no records at or after these offsets
			}
			rest := left[:0]
			for _, tp := range left {
				if !answered[tp] {
					rest = append(rest, tp)
				}
			}
			left = rest
		}
	}
	return found, nil
}

// readFrom sends one fetch to a leader and adds the records to found. It returns the
// partitions that were in the response.
func (s *Sink) readFrom(ctx context.Context, leader int32, log *logState, at map[topicPartition]position, partitions []topicPartition, found map[topicPartition]*kgo.Record) (map[topicPartition]bool, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch = 32<<20, -1
	byTopic := make(map[string]int)
	names := make(map[[16]byte]string)
	for _, tp := range partitions {
		i, ok := byTopic[tp.topic]
		if !ok {
			i = len(req.Topics)
			byTopic[tp.topic] = i
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = tp.topic, log.ids[tp.topic]
			names[t.TopicID] = tp.topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = tp.partition, at[tp].last.offset, readBytes
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	resp, err := req.RequestWith(ctx, s.dead.Broker(int(leader)))
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("read the last records that the tables hold: %w", err)
	}
	answered := make(map[topicPartition]bool)
	for _, t := range resp.Topics {
		name := t.Topic
		if name == "" {
			name = names[t.TopicID]
		}
		for i := range t.Partitions {
			tp := topicPartition{name, t.Partitions[i].Partition}
			opts := kgo.ProcessFetchPartitionOpts{KeepControlRecords: true, Offset: at[tp].last.offset, Topic: name, Partition: tp.partition}
			p, _ := kgo.ProcessFetchPartition(opts, &t.Partitions[i], newExpander(), nil)
			var refused *kerr.Error
			if errors.As(p.Err, &refused) {
				return nil, fmt.Errorf("read record %d of %s: %w", opts.Offset, tp, p.Err)
			}
			if p.Err != nil { // corrupt since: only the epoch can be compared
				answered[tp] = true
				continue
			}
			if len(p.Records) == 0 {
				continue
			}
			answered[tp] = true
			if p.Records[0].Offset == opts.Offset {
				found[tp] = p.Records[0]
			}
		}
	}
	return answered, nil
}

package sink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An offset belongs to one history of its log. Where an older copy of the log
// was put back, or its end was lost, the same offset comes again with another
// record, under the same cluster and topic id. So the tables keep, beside the
// offset, which record is the last before it.

// lastRecord identifies the record before a stored offset.
type lastRecord struct {
	offset int64 // -1: not known
	epoch  int32 // of the leader that appended it; -1: not known
	digest []byte
}

var unknownRecord = lastRecord{offset: -1, epoch: -1}

// identify returns what the tables keep of a record.
func identify(r *kgo.Record) lastRecord {
	if r == nil {
		return unknownRecord
	}
	return lastRecord{offset: r.Offset, epoch: r.LeaderEpoch, digest: digest(r)}
}

// digest is the first half of the SHA-256 of what a record keeps for as long as
// it is in the log: its timestamp (ms, big endian), the length of its key and
// the key, and its value.
func digest(r *kgo.Record) []byte {
	h := sha256.New()
	head := binary.BigEndian.AppendUint64(nil, uint64(r.Timestamp.UnixMilli()))
	head = binary.BigEndian.AppendUint64(head, uint64(len(r.Key)))
	h.Write(head)
	h.Write(r.Key)
	h.Write(r.Value)
	return h.Sum(nil)[:sha256.Size/2]
}

// lastEpoch returns the epoch of the last record where it is known, else -1.
func (p position) lastEpoch() int32 {
	if p.last.offset != p.next-1 {
		return -1
	}
	return p.last.epoch
}

// compare returns the partitions whose log does not continue what the tables
// hold, and why. In these order:
//
//   - the offset must lie in the log;
//   - the record before it, where it is in the log and the tables know which it
//     was, must be that one;
//   - where it no longer is in the log (retention, compaction), its leader epoch
//     must have ended at the offset or later (KIP-320). An epoch that the log
//     does not know tells nothing.
func (s *Sink) compare(ctx context.Context, adm *kadm.Client, log *logState, at map[place]position) (map[place]string, error) {
	wrong := make(map[place]string)
	read, gone := make(map[place]position), make(map[place]position)
	for pl, p := range at {
		span, ok := log.spans[pl]
		switch {
		case !ok:
			return nil, fmt.Errorf("the log's offsets of %s are not known", pl)
		case p.next < span.start:
			wrong[pl] = span.mismatch(p, "records were removed before they were written")
		case p.next > span.end:
			wrong[pl] = span.mismatch(p, "the log lost its end, or an older copy was put back")
		case p.last.offset != p.next-1, len(p.last.digest) == 0: // not known
		case p.last.offset < span.start:
			gone[pl] = p
		default:
			read[pl] = p
		}
	}
	records, err := s.readRecords(ctx, log, read)
	if err != nil {
		return nil, err
	}
	for pl, p := range read {
		switch r := records[pl]; {
		case r == nil:
			gone[pl] = p
		case !bytes.Equal(digest(r), p.last.digest):
			wrong[pl] = log.spans[pl].mismatch(p, fmt.Sprintf("and its record %d is not the one in the tables: the log lost its end and has grown again, or an older copy was put back", r.Offset))
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
	if !s.begun.Load() {
		return nil, errors.New("the sink has not begun")
	}
	adm := kadm.NewClient(cl)
	log, rows, err := s.readBoth(ctx, adm, s.cfg.Topics)
	if err != nil {
		return nil, err
	}
	at := make(map[place]position)
	for pl := range log.spans {
		if p, ok := rows[rowKey{log.ids[pl.topic], pl.partition}]; ok {
			at[pl] = p
		}
	}
	why, err := s.compare(ctx, adm, log, at)
	for pl, reason := range why {
		wrong = append(wrong, PartitionState{Topic: pl.topic, Partition: pl.partition, State: Stopped, Reason: reason})
	}
	sortPartitions(wrong)
	return wrong, err
}

// compareEpochs adds the partitions to wrong whose last record's leader epoch
// ended before it.
func (s *Sink) compareEpochs(ctx context.Context, adm *kadm.Client, log *logState, at map[place]position, wrong map[place]string) error {
	var req kadm.OffsetForLeaderEpochRequest
	for pl, p := range at {
		if p.last.epoch >= 0 {
			req.Add(pl.topic, pl.partition, p.last.epoch)
		}
	}
	if len(req) == 0 {
		return nil
	}
	ends, err := adm.OffetForLeaderEpoch(ctx, req)
	if err != nil {
		return fmt.Errorf("ask where leader epochs ended: %w", err)
	}
	for pl, p := range at {
		end, ok := ends[pl.topic][pl.partition]
		switch {
		case !ok:
		case end.Err != nil:
			return fmt.Errorf("ask where leader epoch %d of %s ended: %w", p.last.epoch, pl, end.Err)
		case end.EndOffset >= 0 && end.EndOffset < p.next:
			wrong[pl] = log.spans[pl].mismatch(p, fmt.Sprintf("and leader epoch %d, which the tables hold up to there, ended at %d: the log lost its end and has grown again, or an older copy was put back", p.last.epoch, end.EndOffset))
		}
	}
	return nil
}

// mismatch is why a partition is stopped, in one line.
func (s span) mismatch(p position, why string) string {
	return fmt.Sprintf("the tables are at offset %d, the log holds %d to %d, %s; say where to read on: --from earliest doubles nothing",
		p.next, s.start, s.end, why)
}

// readBytes is how much is asked for to find one record. A larger batch comes
// when it is the first in an answer.
const readBytes = 64 << 10

// readRecords returns the last records of the positions, and nil where there
// is none at that offset: compaction removed it. Each request is answered with
// one batch at least, so that it ends.
func (s *Sink) readRecords(ctx context.Context, log *logState, at map[place]position) (map[place]*kgo.Record, error) {
	byLeader := make(map[int32][]place)
	for pl := range at {
		byLeader[log.leaders[pl]] = append(byLeader[log.leaders[pl]], pl)
	}
	found := make(map[place]*kgo.Record)
	for leader, left := range byLeader {
		for len(left) > 0 {
			answered, err := s.readFrom(ctx, leader, log, at, left, found)
			if err != nil {
				return nil, err
			}
			if len(answered) == 0 {
				break // nothing at or after these offsets
			}
			rest := left[:0]
			for _, pl := range left {
				if !answered[pl] {
					rest = append(rest, pl)
				}
			}
			left = rest
		}
	}
	return found, nil
}

// readFrom asks a leader for the records of places once and adds those that it
// answered to found.
func (s *Sink) readFrom(ctx context.Context, leader int32, log *logState, at map[place]position, places []place, found map[place]*kgo.Record) (map[place]bool, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch = 32<<20, -1
	byTopic := make(map[string]int)
	names := make(map[[16]byte]string)
	for _, pl := range places {
		i, ok := byTopic[pl.topic]
		if !ok {
			i = len(req.Topics)
			byTopic[pl.topic] = i
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = pl.topic, log.ids[pl.topic]
			names[t.TopicID] = pl.topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = pl.partition, at[pl].last.offset, readBytes
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	resp, err := req.RequestWith(ctx, s.dead.Broker(int(leader)))
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("read the last records that the tables hold: %w", err)
	}
	answered := make(map[place]bool)
	for _, t := range resp.Topics {
		name := t.Topic
		if name == "" {
			name = names[t.TopicID]
		}
		for i := range t.Partitions {
			pl := place{name, t.Partitions[i].Partition}
			opts := kgo.ProcessFetchPartitionOpts{KeepControlRecords: true, Offset: at[pl].last.offset, Topic: name, Partition: pl.partition}
			p, _ := kgo.ProcessFetchPartition(opts, &t.Partitions[i], newExpander(), nil)
			var refused *kerr.Error
			if errors.As(p.Err, &refused) {
				return nil, fmt.Errorf("read record %d of %s: %w", opts.Offset, pl, p.Err)
			}
			if p.Err != nil { // corrupt since: the epoch has to tell
				answered[pl] = true
				continue
			}
			if len(p.Records) == 0 {
				continue
			}
			answered[pl] = true
			if p.Records[0].Offset == opts.Offset {
				found[pl] = p.Records[0]
			}
		}
	}
	return answered, nil
}

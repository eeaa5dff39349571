package sink

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// skipAsked skips the offsets that a user named, once their partitions have reached
// them.
func (c *consumer) skipAsked(ctx, work context.Context) {
	for tp, offset := range c.sink.skips.of(c.positions()) {
		at, ok := c.position(tp)
		switch {
		case !ok || at.next < offset:
		case at.next > offset:
			c.sink.skips.done(tp, offset)
			c.log.Warn("nothing to skip: the stored offset is beyond it", "topic", tp.topic, "partition", tp.partition, "skip", offset, "at", at.next)
		default:
			c.skip(ctx, work, tp, offset, offset, errors.New("skipped as the user asked"))
			if at, ok := c.position(tp); ok && at.next > offset {
				c.sink.skips.done(tp, offset)
			}
		}
	}
}

// skip sends the raw batch with offsets first to last to the dead-letter topic and
// advances the offset over it. If cause is nil, it is found by reading the batch.
func (c *consumer) skip(ctx, work context.Context, tp topicPartition, first, last int64, cause error) {
	u := &unreadable{first: first, last: last}
	ts := time.Now()
	b, err := c.rawBatch(work, tp, first)
	switch {
	case err != nil:
		err = fmt.Errorf("the batch itself could not be fetched: %w", err)
	default:
		u.raw, ts = b, rawTime(b)
		if !intact(b) {
			err = errors.New("its checksum is wrong")
			u.first, u.last = min(first, rawFirst(b)), max(last, rawLast(b))
		} else if _, e := c.expand.expand(b[rawHeader:], kgo.CompressionCodecType(b[22]&7)); e != nil {
			err = e
		}
	}
	switch {
	case cause == nil && err == nil:
		cause = fmt.Errorf("its records take more than %d bytes of memory", maxCost)
	case cause == nil:
		cause = err
	case err != nil:
		cause = fmt.Errorf("%w; %w", cause, err)
	}
	rec := &kgo.Record{Topic: tp.topic, Partition: tp.partition, Offset: u.last, Timestamp: ts}
	it := entry{topicPartition: tp, rec: rec, batch: u, rejectCause: fmt.Errorf("the batch cannot be read: %w", cause)}
	if err := c.write(ctx, work, []entry{it}, time.Now()); err != nil && !errors.Is(err, errBatchAbandoned) {
		c.log.Info("stopped before a batch was skipped", "partition", tp.String(), "err", err)
	}
	c.rewind(tp) // the client does not advance over the batch by itself
}

// The header of a batch of format 2 (KIP-98): base offset 8, length 4, epoch 4,
// magic 1, CRC 4, attributes 2, last offset delta 4, first and last timestamp 8
// each, producer id 8, epoch 2, base sequence 4, number of records 4.
const rawHeader = 61

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func rawFirst(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func rawTime(b []byte) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(b[35:]))) }

// rawLast is the batch's last offset. In a batch whose checksum is wrong it
// counts only where the number of records says the same.
func rawLast(b []byte) int64 {
	delta, records := int32(binary.BigEndian.Uint32(b[23:])), int32(binary.BigEndian.Uint32(b[57:]))
	if delta < 0 || !intact(b) && delta != records-1 {
		return rawFirst(b)
	}
	return rawFirst(b) + int64(delta)
}

func intact(b []byte) bool {
	return crc32.Checksum(b[21:], castagnoli) == binary.BigEndian.Uint32(b[17:])
}

// rawBatch fetches the raw bytes of the batch that contains an offset.
func (c *consumer) rawBatch(ctx context.Context, tp topicPartition, offset int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	at, _ := c.position(tp)
	leader, _, err := c.cl.PartitionLeader(tp.topic, tp.partition)
	if err != nil {
		return nil, err
	}
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = tp.partition, offset, 1 // a first batch comes whole
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID, t.Partitions = tp.topic, at.topic, append(t.Partitions, p)
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = -1, 1000, 1, 1
	req.SessionEpoch = -1 // no session (KIP-227)
	req.Topics = append(req.Topics, t)
	resp, err := c.cl.Broker(int(leader)).RetriableRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	topics := resp.(*kmsg.FetchResponse).Topics
	if len(topics) == 0 || len(topics[0].Partitions) == 0 {
		return nil, errors.New("the answer is empty")
	}
	got := topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return nil, err
	}
	return firstBatch(got.RecordBatches, offset)
}

// firstBatch returns the batch that contains offset: the first that does not end
// before it.
func firstBatch(b []byte, offset int64) ([]byte, error) {
	for len(b) >= rawHeader && b[16] == 2 {
		n := 12 + int64(binary.BigEndian.Uint32(b[8:]))
		if n < rawHeader || n > int64(len(b)) {
			break
		}
		if batch := b[:n]; rawLast(batch) >= offset || !intact(batch) {
			return batch, nil
		}
		b = b[n:]
	}
	return nil, errors.New("there is no batch of format 2 at it")
}

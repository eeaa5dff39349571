package produce

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/result"
)

// check returns an error unless the topic holds what was sent, once and in order.
func check(c result.Correctness) error {
	if c.OK() {
		return nil
	}
	return fmt.Errorf("no figures: of %d records sent the topic holds %d, %d of them twice and %d out of order", c.Sent, c.Stored, c.Duplicates, c.Disorder)
}

// reader reads a topic and compares it with what was sent.
type reader struct {
	*result.Correctness
	client *kgo.Client
	read   map[int32]int64 // one more than the last offset of each partition
	seen   []seen          // by producer
}

// seen is what the topic holds of one producer.
type seen struct {
	records []uint64        // a bit for each number
	last    map[int32]int64 // one more than the latest number of each partition
}

const (
	stall  = 30 * time.Second       // how long records may stay away that the topic has
	unseen = 2 * time.Second        // how long one may stay away that no broker has acknowledged
	pause  = 100 * time.Millisecond // between two looks for such a one
)

// consume reads the topic from its beginning to its end. Of records without acknowledgement
// (acks none) only the topic itself says that they came; for those it waits.
func (c *Config) consume(ctx context.Context, topic string, producers []*producer) (result.Correctness, error) {
	var got result.Correctness
	r := reader{Correctness: &got, read: make(map[int32]int64)}
	for _, p := range producers {
		got.Sent += p.sent
		r.seen = append(r.seen, seen{records: make([]uint64, p.sent/64+1), last: make(map[int32]int64)})
	}
	cl, err := c.Kafka.Client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return got, err
	}
	defer cl.Close()
	r.client = cl
	for news := time.Now(); ; {
		before := got.Stored
		if err := r.readToEnd(ctx, topic); err != nil {
			return got, err
		}
		if got.Stored > before {
			news = time.Now()
		}
		if c.Acks != "none" || got.Stored >= got.Sent || time.Since(news) > unseen {
			break
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	got.Missing = got.Sent - got.Stored
	return got, nil
}

// readToEnd reads to the end that the topic has now.
func (r *reader) readToEnd(ctx context.Context, topic string) error {
	ends, err := kadm.NewClient(r.client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("list the topic's end: %w", err)
	}
	left := make(map[int32]int64) // the end of each partition that is not read to it
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > r.read[o.Partition] {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		waiting, cancel := context.WithTimeout(ctx, stall)
		fetches := r.client.PollRecords(waiting, 50_000)
		cancel()
		var failed error
		fetches.EachError(func(_ string, partition int32, err error) {
			failed = fmt.Errorf("read the topic again: partition %d: %w", partition, err)
		})
		fetches.EachRecord(func(rec *kgo.Record) {
			if err := r.take(rec); err != nil {
				failed = err
			}
			if rec.Offset+1 >= left[rec.Partition] {
				delete(left, rec.Partition)
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// take counts a record of the topic.
func (r *reader) take(rec *kgo.Record) error {
	r.read[rec.Partition] = rec.Offset + 1
	producer, n, ok := header(rec.Value)
	if !ok || producer >= len(r.seen) || n < 0 || n/64 >= int64(len(r.seen[producer].records)) {
		return fmt.Errorf("partition %d holds a record at offset %d that the benchmark did not send", rec.Partition, rec.Offset)
	}
	s := &r.seen[producer]
	bit := uint64(1) << (n % 64)
	if s.records[n/64]&bit != 0 {
		r.Duplicates++
		return nil
	}
	s.records[n/64] |= bit
	r.Stored++
	if n < s.last[rec.Partition] {
		r.Disorder++
	}
	s.last[rec.Partition] = max(s.last[rec.Partition], n+1)
	return nil
}

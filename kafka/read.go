package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/schema"
)

// Position is a partition of a topic and an offset in it.
type Position struct {
	Partition int32
	Offset    int64
}

// readCommitted calls each with every committed record of topic up to the present end,
// each partition's in order, until each returns an error, and returns that. only has the
// partitions to read, with their first offset; nil means all, from the start.
func readCommitted(ctx context.Context, c Config, topic string, only map[int32]int64, each func(*kgo.Record) error) error {
	return readUntil(ctx, c, topic, only, (*kadm.Client).ListCommittedOffsets, each)
}

// ReadPartitions calls each with every committed record of these partitions up to their
// present ends, each partition's in order, until each returns an error, and returns that.
// It waits for the transactions that are open there: whatever was produced before the call
// is read, or was aborted. A partition that the topic lacks has no records.
func ReadPartitions(ctx context.Context, c Config, topic string, partitions []int32, each func(*kgo.Record) error) error {
	only := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		only[p] = 0
	}
	return readUntil(ctx, c, topic, only, (*kadm.Client).ListEndOffsets, each)
}

// readUntil is readCommitted up to the ends that list returns.
func readUntil(ctx context.Context, c Config, topic string, only map[int32]int64,
	list func(*kadm.Client, context.Context, ...string) (kadm.ListedOffsets, error), each func(*kgo.Record) error,
) error {
	cl, err := c.Client(
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // so that the last record before the end is fetched, whatever it is
		kgo.FetchMaxWait(100*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer cl.Close()

	adm := kadm.NewClient(cl)
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("list start offsets of %s: %w", topic, err)
	}
	ends, err := list(adm, ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("list end offsets of %s: %w", topic, err)
	}

	left := make(map[int32]int64) // partition to the offset to reach
	from := make(map[int32]kgo.Offset)
	ends.Each(func(end kadm.ListedOffset) {
		at, wanted := only[end.Partition]
		if only != nil && !wanted {
			return
		}
		if start, ok := starts.Lookup(topic, end.Partition); ok {
			at = max(at, start.Offset)
		}
		if at < end.Offset {
			left[end.Partition] = end.Offset
			from[end.Partition] = kgo.NewOffset().At(at)
		}
	})
	if len(left) == 0 {
		return nil
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for _, e := range fetches.Errors() {
			var large *kgo.ErrDecompressTooLarge
			if errors.As(e.Err, &large) { // the sink reports it, as it does a record that does not decode
				skipBatch(cl, large)
				if large.NextOffset >= left[e.Partition] {
					delete(left, e.Partition)
				}
				continue
			}
			return fmt.Errorf("read %s partition %d: %w", topic, e.Partition, e.Err)
		}
		for iter := fetches.RecordIter(); !iter.Done(); {
			r := iter.Next()
			end, reading := left[r.Partition]
			if !reading {
				continue
			}
			if !r.Attrs.IsControl() && r.Offset < end {
				if err := each(r); err != nil {
					return err
				}
			}
			if r.Offset+1 >= end { // or the marker behind an aborted transaction that the end was in
				delete(left, r.Partition)
			}
		}
	}
	return nil
}

// skipBatch continues after a batch that is too large when decompressed.
func skipBatch(cl *kgo.Client, large *kgo.ErrDecompressTooLarge) {
	cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{large.Topic: {large.Partition: {Epoch: -1, Offset: large.NextOffset}}})
}

// LastRun returns the newest run of a camera in the topic Runs, or nil. Records that do
// not decode are skipped: the sink reports them.
func LastRun(ctx context.Context, c Config, camera string) (*event.Run, error) {
	var last *event.Run
	err := readCommitted(ctx, c, Runs, nil, func(r *kgo.Record) error {
		run, err := event.DecodeRun(r.Value)
		if err != nil || run.Camera != camera {
			return nil
		}
		if last == nil || run.ID == last.ID || run.StartedAt.After(last.StartedAt.Time) {
			last = run
		}
		return nil
	})
	return last, err
}

// lastSeq returns the highest seq of a run in the topic Sightings and the number of its
// sightings there; -1 and 0 if there are none.
func lastSeq(ctx context.Context, c Config, run *event.Run) (last, n int64, err error) {
	last = -1
	err = ReadRun(ctx, c, run, func(s *event.Sighting) {
		last = max(last, s.Seq)
		n++
	})
	return last, n, err
}

// ReadRun calls each with every committed sighting of a run, in order, once: a record
// that a user had produced again (RetryDeadLetters) is behind the later ones of its run,
// and is passed over.
func ReadRun(ctx context.Context, c Config, run *event.Run, each func(*event.Sighting)) error {
	var only map[int32]int64
	if run.LogPartition >= 0 {
		only = map[int32]int64{run.LogPartition: run.LogOffset}
	}
	last := int64(-1)
	return readCommitted(ctx, c, Sightings, only, func(r *kgo.Record) error {
		if string(r.Key) != run.Camera {
			return nil
		}
		s, err := c.Schemas.Sighting(ctx, r.Value)
		switch {
		case errors.Is(err, schema.ErrUnavailable):
			return err
		case err == nil && s.Run == run.ID && s.Seq > last:
			last = s.Seq
			each(s)
		}
		return nil
	})
}

// recentRecords is how many records of a partition ReadBefore reads at most: a quarter of an hour of one
// camera at 10 frames a second.
const recentRecords = 10_000

// ReadBefore calls each with the sightings of a camera's runs before run, as far as they are
// among the newest records of its partition, in order, with the run that each is of. A sighting whose run
// is not in the topic Runs is passed over.
func ReadBefore(ctx context.Context, c Config, run *event.Run, each func(*event.Run, *event.Sighting)) error {
	if run.LogPartition < 0 {
		return nil
	}
	runs := make(map[string]*event.Run)
	if err := readCommitted(ctx, c, Runs, nil, func(r *kgo.Record) error {
		if before, err := event.DecodeRun(r.Value); err == nil && before.Camera == run.Camera && before.ID != run.ID {
			runs[before.ID] = before
		}
		return nil
	}); err != nil || len(runs) == 0 {
		return err
	}
	from := map[int32]int64{run.LogPartition: max(0, run.LogOffset-recentRecords)}
	return readCommitted(ctx, c, Sightings, from, func(r *kgo.Record) error {
		if string(r.Key) != run.Camera {
			return nil
		}
		s, err := c.Schemas.Sighting(ctx, r.Value)
		switch {
		case errors.Is(err, schema.ErrUnavailable):
			return err
		case err == nil && runs[s.Run] != nil:
			each(runs[s.Run], s)
		}
		return nil
	})
}

// nextPosition returns the partition of a camera's sightings and its end offset.
func nextPosition(ctx context.Context, cl *kgo.Client, camera string) (Position, error) {
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, Sightings)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return Position{}, fmt.Errorf("list end offsets of %s: %w", Sightings, err)
	}
	p := Partition([]byte(camera), len(ends[Sightings]))
	end, ok := ends.Lookup(Sightings, p)
	if !ok {
		return Position{}, fmt.Errorf("list end offsets of %s: partition %d is missing", Sightings, p)
	}
	return Position{Partition: p, Offset: end.Offset}, nil
}

// Partition returns the partition of a key among n, as every Kafka client
// computes it: toPositive(murmur2(key)) % n.
func Partition(key []byte, n int) int32 {
	p := kgo.StickyKeyPartitioner(nil).ForTopic(Sightings)
	return int32(p.Partition(&kgo.Record{Key: key}, n))
}

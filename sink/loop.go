package sink

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/grace"
)

// heartbeat bounds how late a member learns of a rebalance. A cooperative rebalance
// (KIP-429) has two rounds, and a partition that moves is not consumed until all
// members have completed both.
const heartbeat = 500 * time.Millisecond

// fetchMaxWait is the fetch's MaxWait. A pending fetch does not include partitions that
// were assigned after it was sent: those are not read before it returns.
const fetchMaxWait = 500 * time.Millisecond

// metadataAge bounds how late a member learns of new partitions. The group assigns
// them when its first member knows them.
const metadataAge = 2 * time.Second

// fetchBytes bounds the compressed size of a fetch's response, except that the
// broker always returns a first batch.
const fetchBytes = 16 << 20

func (s *Sink) newConsumer(number int) (*consumer, error) {
	c := &consumer{
		sink:       s,
		log:        s.cfg.Log.With("consumer", number),
		opened:     make(chan struct{}),
		at:         make(map[topicPartition]position),
		stopped:    make(map[topicPartition]struct{}),
		corrupt:    make(map[topicPartition]int64),
		reconnects: new(reconnects),
		expand:     newExpander(),
		rechecked:  time.Now(),
		suspect:    make(map[topicPartition]string),
		paused:     make(map[topicPartition]time.Time),
		faults:     make(map[topicPartition]fault),
	}
	cl, err := s.cfg.Kafka.Client(
		kgo.ConsumerGroup(s.cfg.Group),
		kgo.ConsumeTopics(s.cfg.Topics...),
		kgo.SessionTimeout(s.cfg.SessionTimeout),
		kgo.HeartbeatInterval(min(heartbeat, s.cfg.SessionTimeout/3)),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.WithDecompressor(c.expand),
		kgo.MetadataMaxAge(metadataAge),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the stored offset advances over transaction markers too
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.AdjustFetchOffsetsFn(c.adjustFetchOffsets),
		kgo.OnPartitionsRevoked(c.onPartitionsRevoked),
		kgo.OnPartitionsLost(c.onPartitionsLost),
		kgo.BlockRebalanceOnPoll(), // no partition is revoked during a transaction
		kgo.AutoCommitMarks(),
		kgo.WithHooks(c.reconnects),
		kgo.AutoCommitInterval(time.Second),
	)
	if err != nil {
		return nil, err
	}
	c.cl, c.adm = cl, kadm.NewClient(cl)
	close(c.opened)
	return c, nil
}

// run polls and writes until ctx ends, or until a topic was recreated: then it
// returns true, and a new consumer, with a new client, has to be run.
func (c *consumer) run(ctx context.Context) (restart bool) {
	defer c.close(ctx)
	work, cancel := grace.Context(ctx, c.sink.cfg.StopTimeout)
	defer cancel()
	watched := make(chan struct{})
	go func() { c.watch(work); close(watched) }()
	defer func() { cancel(); <-watched }()
	for ctx.Err() == nil && !c.topicRecreated {
		fetches := c.poll(ctx)
		fetched := time.Now()
		fetches.EachError(c.suspects)
		items := c.take(ctx, fetches, c.recheck(ctx))
		if len(items) > 0 && ctx.Err() == nil {
			if err := c.write(ctx, work, items, fetched); err != nil && !errors.Is(err, errBatchAbandoned) {
				c.log.Info("stopped before a batch was written; it remains in the log", "records", len(items), "err", err)
			}
			c.rewindUnwritten(items)
		}
		c.readAgain()
		fetches.EachError(func(topic string, partition int32, err error) {
			c.failed(ctx, work, topicPartition{topic, partition}, err)
		})
		c.skipAsked(ctx, work)
		c.resumeDue()
		c.cl.AllowRebalance()
	}
	return ctx.Err() == nil
}

// timesDelay is how long the stage times of a committed transaction (the table batches)
// wait for the next one, which writes them, before they are written alone. A transaction of
// their own costs the database as much as a frame: cameras of a frame a second need none.
const timesDelay = 1100 * time.Millisecond

// skipDelay is how often an offset is looked for that a user wants to skip.
const skipDelay = 50 * time.Millisecond

// poll waits for records: at most timesDelay if there are stage times to write, and
// skipDelay if there is an offset that a user wants to skip and that may be due; until a
// paused partition is due; and never beyond the next recheck.
func (c *consumer) poll(ctx context.Context) kgo.Fetches {
	if c.cl.BufferedFetchRecords() == 0 {
		c.expand.reset()
	}
	wait := max(recheckEvery-time.Since(c.rechecked), time.Millisecond)
	if c.last != nil {
		wait = min(wait, timesDelay)
	}
	if c.sink.skips.any() {
		wait = min(wait, skipDelay)
	}
	for _, due := range c.paused {
		wait = min(wait, max(time.Until(due), time.Millisecond))
	}
	short, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := c.cl.PollRecords(short, c.sink.cfg.MaxRecords)
	if fetches.NumRecords() == 0 && c.last != nil && ctx.Err() == nil {
		c.writeTimes(ctx)
	}
	return c.gather(ctx, fetches)
}

// gather adds the records of the next BatchDelay to those of a poll, up to MaxRecords.
func (c *consumer) gather(ctx context.Context, fetches kgo.Fetches) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, c.sink.cfg.BatchDelay)
	defer cancel()
	n := fetches.NumRecords()
	for n > 0 && n < c.sink.cfg.MaxRecords && ctx.Err() == nil {
		more := c.cl.PollRecords(ctx, c.sink.cfg.MaxRecords-n)
		n += more.NumRecords()
		fetches = append(fetches, more...)
	}
	return fetches
}

// take decodes the records of a poll: each partition's in order, and the partitions
// in the same order in every sink, so that transactions lock rows in one order.
// Records of partitions in moved are left out, and so are those from one on whose schema cannot be
// fetched: its partition waits. So are those beyond the bound of a replay. The sort is stable:
// kgo puts an error of a partition into the poll as a fetch of its own.
func (c *consumer) take(ctx context.Context, fetches kgo.Fetches, moved map[topicPartition]bool) []entry {
	var parts []kgo.FetchTopicPartition
	fetches.EachPartition(func(p kgo.FetchTopicPartition) { parts = append(parts, p) })
	slices.SortStableFunc(parts, func(a, b kgo.FetchTopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	items := make([]entry, 0, fetches.NumRecords())
	waits := make(map[topicPartition]bool) // a partition may be in a poll several times
	for _, p := range parts {
		tp := topicPartition{p.Topic, p.Partition}
		at, ok := c.position(tp)
		if !ok || moved[tp] || waits[tp] {
			continue
		}
		for _, rec := range p.Records {
			if rec.Offset < at.next {
				continue
			}
			if c.sink.bounded.beyond(tp, rec.Offset) {
				waits[tp] = true
				c.passEnd(tp, len(items) > 0 && items[len(items)-1].topicPartition == tp)
				break
			}
			it, err := decode(ctx, c.sink.cfg.Kafka.Schemas, rec)
			if err != nil {
				if ctx.Err() == nil {
					c.pauseWithReason(tp, pause, err.Error())
				}
				waits[tp] = true
				break
			}
			items = append(items, it)
		}
		if n := len(p.Records); n > 0 {
			behind := max(0, p.LastStableOffset-p.Records[n-1].Offset-1)
			c.sink.metrics.lag.WithLabelValues(tp.labels()...).Set(float64(behind))
		}
	}
	return items
}

// passEnd is called at the first record beyond the bound. While records before it are unwritten, the
// partition has not passed its end; once they are, it is read again and comes here without any.
func (c *consumer) passEnd(tp topicPartition, unwritten bool) {
	if unwritten {
		c.again = append(c.again, tp)
		return
	}
	c.sink.bounded.pass(tp)
	c.cl.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
}

// readAgain resets the client to the stored offsets of the partitions of again.
func (c *consumer) readAgain() {
	for _, tp := range c.again {
		c.rewind(tp)
	}
	c.again = c.again[:0]
}

// rewindUnwritten resets the client to the stored offset of each partition whose
// fetched records were not all written. Without it those records would be skipped:
// the next transaction would advance the stored offset past them.
func (c *consumer) rewindUnwritten(items []entry) {
	fetched := make(map[topicPartition]int64)
	for _, it := range items {
		fetched[it.topicPartition] = it.rec.Offset + 1
	}
	back := make(map[string]map[int32]kgo.EpochOffset)
	for tp, end := range fetched {
		at, ok := c.position(tp)
		if !ok || at.next == end {
			continue
		}
		if back[tp.topic] == nil {
			back[tp.topic] = make(map[int32]kgo.EpochOffset)
		}
		back[tp.topic][tp.partition] = kgo.EpochOffset{Epoch: -1, Offset: at.next}
	}
	c.cl.SetOffsets(back)
}

// close writes the times that are left and leaves the group, so that its partitions
// are assigned to others at once.
func (c *consumer) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	if c.last != nil {
		c.writeTimes(ctx)
	}
	c.cl.AllowRebalance()
	if err := c.cl.LeaveGroupContext(ctx); err != nil {
		c.log.Debug("cannot leave the group; the session will expire", "err", err)
	}
	c.cl.CloseAllowingRebalance()
	c.expand.zstd.Close()
}

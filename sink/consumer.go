package sink

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consumer is one member of the group. Its loop, run, owns all but what mu
// guards; the client calls assigned and revoked from a goroutine of its own.
type consumer struct {
	*Sink
	log *slog.Logger
	cl  *kgo.Client
	adm *kadm.Client

	reconnects *reconnects
	expand     *expander

	mu      sync.Mutex         // guards the following
	at      map[place]position // the partitions we own, and where the tables are
	stopped map[place]struct{} // those we own and do not read; see stop
	corrupt map[place]int64    // of those, the ones that are corrupt at this offset

	rechecked time.Time        // when recheck last looked
	suspect   map[place]string // what the client says is wrong, until recheck looks

	parked map[place]time.Time // paused until then, because of a fault
	faults map[place]fault     // of fetches, until the offset moves
	ids    []int64             // batch ids in hand
	last   *batchTimes         // the last committed batch, until its times are written
	anew   bool                // a topic was made anew: this consumer has to end
}

// position is where the tables are in one partition of a topic.
type position struct {
	cluster string
	topic   kadm.TopicID
	next    int64
	last    lastRecord // before next, where its offset is next-1
}

// heartbeat is how soon a member hears that others have come or gone. Until all
// have heard, twice, nobody reads the partitions that move (KIP-429).
const heartbeat = 500 * time.Millisecond

// maxWait is how long a fetch that finds nothing waits at the broker. A partition
// that is assigned meanwhile is not in it and waits as long.
const maxWait = 500 * time.Millisecond

// metadataAge is after how long a member looks for new partitions. The group
// shares them out when the first has seen them.
const metadataAge = 2 * time.Second

// fetchBytes bounds an answer to a fetch, compressed. A first batch that is
// larger comes nevertheless.
const fetchBytes = 16 << 20

func (s *Sink) newConsumer(number int) (*consumer, error) {
	c := &consumer{
		Sink:       s,
		log:        s.cfg.Log.With("consumer", number),
		at:         make(map[place]position),
		stopped:    make(map[place]struct{}),
		corrupt:    make(map[place]int64),
		reconnects: new(reconnects),
		expand:     newExpander(),
		rechecked:  time.Now(),
		suspect:    make(map[place]string),
		parked:     make(map[place]time.Time),
		faults:     make(map[place]fault),
	}
	cl, err := s.cfg.Stream.Client(
		kgo.ConsumerGroup(s.cfg.Group),
		kgo.ConsumeTopics(s.cfg.Topics...),
		kgo.SessionTimeout(s.cfg.SessionTimeout),
		kgo.HeartbeatInterval(min(heartbeat, s.cfg.SessionTimeout/3)),
		kgo.FetchMaxWait(maxWait),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.WithDecompressor(c.expand),
		kgo.MetadataMaxAge(metadataAge),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the stored offset passes transaction markers too
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.AdjustFetchOffsetsFn(c.assigned),
		kgo.OnPartitionsRevoked(c.revoked),
		kgo.OnPartitionsLost(c.lost),
		kgo.BlockRebalanceOnPoll(), // a partition is not given away under a transaction
		kgo.AutoCommitMarks(),
		kgo.WithHooks(c.reconnects),
		kgo.AutoCommitInterval(time.Second),
	)
	if err != nil {
		return nil, err
	}
	c.cl, c.adm = cl, kadm.NewClient(cl)
	return c, nil
}

// run polls and writes until ctx ends, or until another consumer has to take
// over.
func (c *consumer) run(ctx context.Context) (again bool) {
	defer c.close(ctx)
	work, cancel := outlast(ctx, c.cfg.StopTimeout)
	defer cancel()
	watched := make(chan struct{})
	go func() { c.watch(work); close(watched) }()
	defer func() { cancel(); <-watched }()
	for ctx.Err() == nil && !c.anew {
		fetches := c.poll(ctx)
		fetched := time.Now()
		fetches.EachError(c.suspects)
		items := c.take(fetches, c.recheck(ctx))
		if len(items) > 0 && ctx.Err() == nil {
			if err := c.write(ctx, work, items, fetched); err != nil && !errors.Is(err, errAside) {
				c.log.Info("stopping with a batch in hand; it stays in the log", "records", len(items), "cause", err)
			}
			c.settle(items)
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			c.failed(ctx, work, place{topic, partition}, err)
		})
		c.skipAsked(ctx, work)
		c.unpark()
		c.cl.AllowRebalance()
	}
	return ctx.Err() == nil
}

// outlast returns a context that ends d after ctx does.
func outlast(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-work.Done():
		case <-time.After(d):
			cancel()
		}
	})
	return work, func() { stop(); cancel() }
}

// idle is how long a committed batch's times wait for a next batch to travel
// with.
const idle = 50 * time.Millisecond

// poll waits for records. With times to write it waits at most idle, with a
// parked partition until that is due, and never beyond the next recheck.
func (c *consumer) poll(ctx context.Context) kgo.Fetches {
	if c.cl.BufferedFetchRecords() == 0 {
		c.expand.reset()
	}
	wait := max(recheckEvery-time.Since(c.rechecked), time.Millisecond)
	if c.last != nil || c.skips.any() {
		wait = min(wait, idle)
	}
	for _, due := range c.parked {
		wait = min(wait, max(time.Until(due), time.Millisecond))
	}
	short, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := c.cl.PollRecords(short, c.cfg.MaxRecords)
	if fetches.NumRecords() == 0 && c.last != nil && ctx.Err() == nil {
		c.writeTimes(ctx)
	}
	return fetches
}

// take decodes what a poll returned: each partition's records in order, and
// the partitions in an order that two sinks share, so that they lock alike.
// Those of partitions that were moved meanwhile are left out.
func (c *consumer) take(fetches kgo.Fetches, moved map[place]bool) []item {
	var parts []kgo.FetchTopicPartition
	fetches.EachPartition(func(p kgo.FetchTopicPartition) { parts = append(parts, p) })
	slices.SortFunc(parts, func(a, b kgo.FetchTopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	items := make([]item, 0, fetches.NumRecords())
	for _, p := range parts {
		pl := place{p.Topic, p.Partition}
		at, ok := c.position(pl)
		if !ok || moved[pl] {
			continue
		}
		for _, rec := range p.Records {
			if rec.Offset >= at.next {
				items = append(items, decode(rec))
			}
		}
		if n := len(p.Records); n > 0 {
			behind := max(0, p.LastStableOffset-p.Records[n-1].Offset-1)
			c.metrics.lag.WithLabelValues(pl.labels()...).Set(float64(behind))
		}
	}
	return items
}

func (c *consumer) positions() map[place]position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.at)
}

func (c *consumer) position(pl place) (position, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.at[pl]
	return at, ok
}

// settle makes the client fetch again what a poll brought and write did not
// write, for whatever reason. Nothing else keeps the tables from missing it:
// the next batch would move the offset from where the tables are to its end.
func (c *consumer) settle(items []item) {
	fetched := make(map[place]int64)
	for _, it := range items {
		fetched[it.place] = it.rec.Offset + 1
	}
	back := make(map[string]map[int32]kgo.EpochOffset)
	for pl, end := range fetched {
		at, ok := c.position(pl)
		if !ok || at.next == end {
			continue
		}
		if back[pl.topic] == nil {
			back[pl.topic] = make(map[int32]kgo.EpochOffset)
		}
		back[pl.topic][pl.partition] = kgo.EpochOffset{Epoch: -1, Offset: at.next}
	}
	c.cl.SetOffsets(back)
}

// close writes what is left to write and leaves the group, so that another
// member takes over at once.
func (c *consumer) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	if c.last != nil {
		c.writeTimes(ctx)
	}
	c.cl.AllowRebalance()
	if err := c.cl.LeaveGroupContext(ctx); err != nil {
		c.log.Debug("cannot leave the group; it notices after the session timeout", "cause", err)
	}
	c.cl.CloseAllowingRebalance()
	c.expand.zstd.Close()
}

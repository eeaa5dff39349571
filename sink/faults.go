package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fault is how often in a row a partition could not be read at an offset.
type fault struct {
	next  int64
	times int
}

const (
	pause        = 5 * time.Second // of a partition that waits, until it is tried again
	pauseCorrupt = time.Second     // before what arrived corrupt is fetched again
	triesCorrupt = 3               // until it counts as corrupt in the log
)

// suspects notes, before what came with it is written, an error which says that
// the log is not the one that was read.
func (c *consumer) suspects(topic string, partition int32, err error) {
	var loss *kgo.ErrDataLoss
	switch {
	case errors.As(err, &loss):
		c.suspect[place{topic, partition}] = fmt.Sprintf("the tables are at offset %d, and the log lost what it held from %d on", loss.ConsumedTo, loss.ResetTo)
	case errors.Is(err, kerr.OffsetOutOfRange):
		c.suspect[place{topic, partition}] = "the offset the tables are at is no longer in the log"
	}
}

// failed sorts out the error of a fetch, after what came with it was written.
// What the client can retry it retries itself and does not show.
func (c *consumer) failed(ctx, work context.Context, pl place, err error) {
	var large *kgo.ErrDecompressTooLarge
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrClientClosed):
	case errors.Is(err, errExpanderFull): // it is fetched again when what was expanded before is written
	case errors.As(err, new(*kgo.ErrDataLoss)), errors.Is(err, kerr.OffsetOutOfRange): // see suspects
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		if !c.anew {
			c.log.Warn("the topic was deleted and made anew; reading the new one from its beginning", "topic", pl.topic)
		}
		c.anew = true
	case errors.As(err, &large):
		c.skip(ctx, work, pl, large.Offset, large.NextOffset-1, nil)
	case isCorrupt(err):
		c.corrupted(pl, err)
	default:
		c.hold(pl, pause, fmt.Sprintf("cannot fetch: %v", err))
	}
}

// isCorrupt reports whether the client could not read what a broker sent,
// rather than that the broker sent an error.
func isCorrupt(err error) bool {
	var ke *kerr.Error
	if errors.As(err, &ke) {
		return errors.Is(err, kerr.CorruptMessage)
	}
	for _, s := range []string{"encoded crc", "encoded length", "not enough data", "too short", "magic", "invalid record batch"} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}

// corrupted handles a batch that cannot be read. It may have been spoilt on the
// way: it is fetched a few times before its partition is stopped.
func (c *consumer) corrupted(pl place, err error) {
	at, ok := c.position(pl)
	if !ok {
		return
	}
	f := c.faults[pl]
	if f.next != at.next {
		f = fault{next: at.next}
	}
	f.times++
	c.faults[pl] = f
	if f.times < triesCorrupt {
		c.hold(pl, pauseCorrupt, fmt.Sprintf("the batch at offset %d arrives corrupt: %v", at.next, err))
		return
	}
	delete(c.faults, pl)
	c.mu.Lock()
	c.corrupt[pl] = at.next
	c.mu.Unlock()
	c.stop(pl, fmt.Sprintf("the batch at offset %d is corrupt in the log: %v; to go on without it, restart the sink with --skip %s/%d", at.next, err, pl, at.next))
}

// stop ends the reading of a partition that only a user can see to, until
// recheck finds that it was. The sink says so once.
func (c *consumer) stop(pl place, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, said := c.said.LoadOrStore(pl, true); !said {
		c.log.Error("partition stopped: "+why, "topic", pl.topic, "partition", pl.partition)
	}
	c.states.block(pl, Stopped, why)
	c.cl.PauseFetchPartitions(map[string][]int32{pl.topic: {pl.partition}})
	delete(c.at, pl)
	c.stopped[pl] = struct{}{}
}

// hold lets a partition wait for a while, with one line however often.
func (c *consumer) hold(pl place, pause time.Duration, why string) {
	if _, ours := c.position(pl); !ours {
		pl = place{c.cfg.Group, -1} // the client as a whole: it cannot join the group, as a rule
	}
	if c.states.block(pl, Waiting, why) {
		c.log.Warn("partition waits: "+why, "topic", pl.topic, "partition", pl.partition)
	}
	if pl.partition >= 0 {
		c.park(pl, pause)
		c.rewind(pl)
	}
}

// rewind makes the client fetch a partition from where the tables are.
func (c *consumer) rewind(pl place) {
	if at, ok := c.position(pl); ok {
		c.cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{pl.topic: {pl.partition: {Epoch: -1, Offset: at.next}}})
	}
}

// park pauses a partition for a while. It stays in the state Waiting until its
// offset moves, or watch finds that it has nothing left.
func (c *consumer) park(pl place, pause time.Duration) {
	c.parked[pl] = time.Now().Add(pause)
	c.cl.PauseFetchPartitions(map[string][]int32{pl.topic: {pl.partition}})
}

func (c *consumer) unpark() {
	now := time.Now()
	for pl, due := range c.parked {
		if now.Before(due) {
			continue
		}
		delete(c.parked, pl)
		if _, ok := c.position(pl); ok {
			c.cl.ResumeFetchPartitions(map[string][]int32{pl.topic: {pl.partition}})
		}
	}
}

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

// fault counts the failures in a row to read a partition at an offset.
type fault struct {
	next  int64
	times int
}

const (
	pause        = 5 * time.Second // before a partition that waits is fetched again
	pauseCorrupt = time.Second     // before a batch that arrived corrupt is fetched again
	triesCorrupt = 3               // until a batch counts as corrupt in the log
)

// suspects is called with the errors of a fetch before its records are written. It
// notes those which mean that the log is not the one that was read.
func (c *consumer) suspects(topic string, partition int32, err error) {
	var loss *kgo.ErrDataLoss
	switch {
	case errors.As(err, &loss):
		c.suspect[topicPartition{topic, partition}] = fmt.Sprintf("the tables are at offset %d, and the log lost what it held from %d on", loss.ConsumedTo, loss.ResetTo)
	case errors.Is(err, kerr.OffsetOutOfRange):
		c.suspect[topicPartition{topic, partition}] = "the offset the tables are at is no longer in the log"
	}
}

// failed handles the error of a fetch, after the records of the fetch were written.
// The client retries what can be retried by itself, and does not return it.
func (c *consumer) failed(ctx, work context.Context, tp topicPartition, err error) {
	var large *kgo.ErrDecompressTooLarge
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrClientClosed):
	case errors.Is(err, errExpanderFull): // fetched again when the batches before it are written
	case errors.As(err, new(*kgo.ErrDataLoss)), errors.Is(err, kerr.OffsetOutOfRange): // see suspects
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		if !c.topicRecreated {
			c.log.Warn("the topic was deleted and created again; reading the new one from its start", "topic", tp.topic)
		}
		c.topicRecreated = true
	case errors.As(err, &large):
		c.skip(ctx, work, tp, large.Offset, large.NextOffset-1, nil)
	case isCorrupt(err):
		c.corrupted(tp, err)
	default:
		c.waitFor(tp, pause, fmt.Sprintf("cannot fetch: %v", err))
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

// corrupted handles a batch that is corrupt. It may have been damaged on the way, so
// it is fetched again a few times before its partition is stopped.
func (c *consumer) corrupted(tp topicPartition, err error) {
	at, ok := c.position(tp)
	if !ok {
		return
	}
	f := c.faults[tp]
	if f.next != at.next {
		f = fault{next: at.next}
	}
	f.times++
	c.faults[tp] = f
	if f.times < triesCorrupt {
		c.waitFor(tp, pauseCorrupt, fmt.Sprintf("the batch at offset %d arrives corrupt: %v", at.next, err))
		return
	}
	delete(c.faults, tp)
	c.mu.Lock()
	c.corrupt[tp] = at.next
	c.mu.Unlock()
	c.stop(tp, fmt.Sprintf("the batch at offset %d is corrupt in the log: %v; to go on without it, restart the sink with --skip %s/%d", at.next, err, tp, at.next))
}

// stop stops the reading of a partition with a fault that only a user can fix, until
// recheck finds that it is fixed. It is logged once.
func (c *consumer) stop(tp topicPartition, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, lastLogged := c.sink.stopLogged.LoadOrStore(tp, true); !lastLogged {
		c.log.Error("partition stopped", "reason", why, "topic", tp.topic, "partition", tp.partition)
	}
	c.sink.states.block(tp, Stopped, why)
	c.cl.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
	delete(c.at, tp)
	c.stopped[tp] = struct{}{}
}

// waitFor pauses a partition for a while. It is logged once, however often.
func (c *consumer) waitFor(tp topicPartition, pause time.Duration, why string) {
	if _, ours := c.position(tp); !ours {
		tp = topicPartition{c.sink.cfg.Group, -1} // the whole client: as a rule it cannot join the group
	}
	if c.sink.states.block(tp, Waiting, why) {
		c.log.Warn("partition waits", "reason", why, "topic", tp.topic, "partition", tp.partition)
	}
	if tp.partition >= 0 {
		c.pauseFor(tp, pause)
		c.rewind(tp)
	}
}

// rewind resets the client to a partition's stored offset.
func (c *consumer) rewind(tp topicPartition) {
	if at, ok := c.position(tp); ok {
		c.cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{tp.topic: {tp.partition: {Epoch: -1, Offset: at.next}}})
	}
}

// pauseFor pauses a partition's fetches for a while. It remains Waiting until its
// offset advances, or watch finds that it has no records left.
func (c *consumer) pauseFor(tp topicPartition, pause time.Duration) {
	c.paused[tp] = time.Now().Add(pause)
	c.cl.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
}

func (c *consumer) resumeDue() {
	now := time.Now()
	for tp, due := range c.paused {
		if now.Before(due) {
			continue
		}
		delete(c.paused, tp)
		if _, ok := c.position(tp); ok {
			c.cl.ResumeFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
		}
	}
}

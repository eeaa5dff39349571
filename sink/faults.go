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

const (
	pauseCorrupt = time.Second // before a batch that arrived corrupt is fetched again
	triesCorrupt = 3           // until a batch counts as corrupt in the log
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
		c.pauseWithReason(tp, pause, fmt.Sprintf("cannot fetch: %v", err))
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
		c.pauseWithReason(tp, pauseCorrupt, fmt.Sprintf("the batch at offset %d arrives corrupt: %v", at.next, err))
		return
	}
	delete(c.faults, tp)
	c.mu.Lock()
	c.corrupt[tp] = at.next
	c.mu.Unlock()
	c.stop(tp, fmt.Sprintf("the batch at offset %d is corrupt in the log: %v; to go on without it, restart the sink with --skip %s/%d", at.next, err, tp, at.next))
}

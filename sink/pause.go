package sink

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// pause is the time before a partition that waits is fetched again.
const pause = 5 * time.Second

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

// pauseWithReason pauses a partition for a while. It is logged once, however often.
func (c *consumer) pauseWithReason(tp topicPartition, pause time.Duration, why string) {
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

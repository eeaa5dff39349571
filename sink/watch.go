package sink

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// checksPerStall is the number of checks in a StallTimeout.
const checksPerStall = 3

// askTimeout bounds the request for the log's ends.
const askTimeout = 5 * time.Second

// watch checks, until ctx ends, for partitions that have records left and do not
// advance, whatever the reason. The client retries many errors by itself and does
// not report them.
func (c *consumer) watch(ctx context.Context) {
	tick := time.NewTicker(c.sink.cfg.StallTimeout / checksPerStall)
	defer tick.Stop()
	seen := make(map[topicPartition]fault) // the offset of each, and the number of checks at it
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.checkProgress(ctx, seen)
	}
}

func (c *consumer) checkProgress(ctx context.Context, seen map[topicPartition]fault) {
	at := c.positions()
	if len(at) == 0 {
		clear(seen)
		return
	}
	var topics []string
	for tp := range at {
		if !slices.Contains(topics, tp.topic) {
			topics = append(topics, tp.topic)
		}
	}
	log := &logState{spans: make(map[topicPartition]span)}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	err := log.readEnds(ask, c.adm, topics, true) // perhaps of only some partitions
	cancel()
	for tp := range seen {
		if _, ok := at[tp]; !ok {
			delete(seen, tp)
		}
	}
	for tp, p := range at {
		end, known := log.spans[tp]
		if known && p.next >= end.end || c.sink.bounded.reached(tp, p.next) {
			delete(seen, tp)
			c.sink.states.unblockAfter(tp, 2*pause) // a refused fetch is retried after pause
			continue
		}
		f := seen[tp]
		if f.next != p.next {
			f = fault{next: p.next}
		}
		f.times++
		seen[tp] = f
		if f.times <= checksPerStall || c.sink.states.is(tp, Waiting) {
			continue
		}
		why := fmt.Sprintf("the records from offset %d on do not arrive; the log has %d more", p.next, end.end-p.next)
		if !known {
			why = fmt.Sprintf("the brokers do not say where the log ends: %v", err)
		}
		if c.sink.states.block(tp, Waiting, why) {
			c.log.Warn("partition waits", "reason", why, "topic", tp.topic, "partition", tp.partition)
		}
	}
}

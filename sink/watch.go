package sink

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// looks is how many there are in a StallTimeout.
const looks = 3

// askTimeout bounds the question where the log ends.
const askTimeout = 5 * time.Second

// watch looks, until ctx ends, for partitions that have records left and do
// not move, whatever the reason: a partition never waits in silence. The
// client retries much by itself and says nothing about it.
func (c *consumer) watch(ctx context.Context) {
	tick := time.NewTicker(c.cfg.StallTimeout / looks)
	defer tick.Stop()
	seen := make(map[place]fault) // where each was, and for how many looks
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.look(ctx, seen)
	}
}

func (c *consumer) look(ctx context.Context, seen map[place]fault) {
	at := c.positions()
	if len(at) == 0 {
		clear(seen)
		return
	}
	var topics []string
	for pl := range at {
		if !slices.Contains(topics, pl.topic) {
			topics = append(topics, pl.topic)
		}
	}
	log := &logState{spans: make(map[place]span)}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	err := log.readEnds(ask, c.adm, topics, true) // of some partitions, maybe
	cancel()
	for pl := range seen {
		if _, ok := at[pl]; !ok {
			delete(seen, pl)
		}
	}
	for pl, p := range at {
		end, known := log.spans[pl]
		if known && p.next >= end.end {
			delete(seen, pl)
			c.states.unblockAfter(pl, 2*pause) // a fetch that is refused is tried again after pause
			continue
		}
		f := seen[pl]
		if f.next != p.next {
			f = fault{next: p.next}
		}
		f.times++
		seen[pl] = f
		if f.times <= looks || c.states.is(pl, Waiting) {
			continue
		}
		why := fmt.Sprintf("the records from offset %d on do not arrive; the log has %d more", p.next, end.end-p.next)
		if !known {
			why = fmt.Sprintf("the brokers do not say where the log ends: %v", err)
		}
		if c.states.block(pl, Waiting, why) {
			c.log.Warn("partition waits: "+why, "topic", pl.topic, "partition", pl.partition)
		}
	}
}

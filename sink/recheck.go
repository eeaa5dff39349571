package sink

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recheckEvery is the interval at which a consumer compares its positions with the
// stored offsets and the log. A stopped partition that a user has fixed continues
// then, and so does an idle one whose tables were restored from an older dump.
const recheckEvery = 5 * time.Second

// recheck is called between a poll and its write. It stops the partitions whose log
// was replaced since they were last compared, and every recheckEvery adopts offsets
// that were changed in the database. It returns the partitions whose polled records
// must not be written: they are fetched again from the new position.
func (c *consumer) recheck(ctx context.Context) (moved map[topicPartition]bool) {
	if c.reconnects.seen.Swap(false) || len(c.suspect) > 0 {
		at := c.positions()
		err := c.retryUntilDone(ctx, "compare the log with the tables", partitionsAt(at), func(ctx context.Context) error {
			return c.compareLog(ctx, at)
		})
		if err != nil {
			c.reconnects.seen.Store(true)
			return nil // ctx has ended
		}
		for tp, why := range c.suspect {
			if _, reading := c.position(tp); reading {
				c.stop(tp, why)
			}
		}
		clear(c.suspect)
	}
	if time.Since(c.rechecked) < recheckEvery {
		return nil
	}
	c.rechecked = time.Now()
	try, cancel := context.WithTimeout(ctx, recheckEvery)
	defer cancel()
	at, stopped := c.positions(), c.stoppedPartitions()
	found, err := c.loadPositions(try, append(partitionsAt(at), stopped...))
	if err != nil {
		c.log.Debug("cannot recheck positions; the next write would wait too", "err", err)
		return nil
	}
	return c.adoptPositions(at, found)
}

// compareLog stops the partitions whose log is not the one that was read.
func (c *consumer) compareLog(ctx context.Context, at map[topicPartition]position) error {
	names := topicsOf(partitionsAt(at))
	if len(names) == 0 {
		return nil
	}
	log, err := readLog(ctx, c.adm, names)
	if err != nil {
		return err
	}
	if err := log.readEnds(ctx, c.adm, names, false); err != nil {
		return err
	}
	for tp, p := range at {
		if log.ids[tp.topic] != p.topic {
			delete(at, tp) // the topic was recreated: the client reports it
		}
	}
	wrong, err := c.sink.compare(ctx, c.adm, log, at)
	if err != nil {
		return err
	}
	for tp, why := range wrong {
		c.stop(tp, why)
	}
	return nil
}

// adoptPositions continues from the positions in found that differ from those the
// consumer had. at are its positions from before found was read: one that changed
// meanwhile is left alone.
func (c *consumer) adoptPositions(at, found map[topicPartition]position) (moved map[topicPartition]bool) {
	moved = make(map[topicPartition]bool)
	back := make(map[string]map[int32]kgo.EpochOffset)
	c.mu.Lock()
	for tp, p := range found {
		now, reading := c.at[tp]
		_, stopped := c.stopped[tp]
		if !stopped && (!reading || now.next == p.next || now.next != at[tp].next) {
			continue // no longer assigned, or unchanged
		}
		if offset, corrupt := c.corrupt[tp]; corrupt && offset == p.next {
			continue // the log is the right one, but corrupt there
		}
		delete(c.corrupt, tp)
		moved[tp] = true
		c.at[tp] = p
		delete(c.stopped, tp)
		c.sink.stopLogged.Delete(tp)
		c.sink.states.unblock(tp, Stopped, Waiting)
		if back[tp.topic] == nil {
			back[tp.topic] = make(map[int32]kgo.EpochOffset)
		}
		back[tp.topic][tp.partition] = kgo.EpochOffset{Epoch: p.lastEpoch(), Offset: p.next}
	}
	c.mu.Unlock()
	if len(moved) == 0 {
		return nil
	}
	c.sink.forgetIDs()
	c.log.Info("continuing from offsets that were changed in the database", "partitions", len(moved))
	c.cl.SetOffsets(back)
	for tp := range moved {
		if !c.isPaused(tp) {
			c.cl.ResumeFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
		}
	}
	return moved
}

func partitionsAt(at map[topicPartition]position) []topicPartition {
	partitions := make([]topicPartition, 0, len(at))
	for tp := range at {
		partitions = append(partitions, tp)
	}
	return partitions
}

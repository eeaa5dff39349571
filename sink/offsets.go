package sink

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// adjustFetchOffsets is called with newly assigned partitions. They are read from
// the stored offset, whatever the group has committed. It waits for the database and
// the broker as long as the partitions are assigned.
func (c *consumer) adjustFetchOffsets(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	<-c.opened
	var partitions []topicPartition
	for t, ps := range offsets {
		for p := range ps {
			partitions = append(partitions, topicPartition{t, p})
		}
	}
	var found map[topicPartition]position
	err := c.retryUntilDone(ctx, "read the stored offsets", partitions, func(ctx context.Context) (err error) {
		found, err = c.loadPositions(ctx, partitions)
		return err
	})
	if err != nil {
		return nil, err
	}
	start := make(map[string]map[int32]kgo.Offset)
	for _, tp := range partitions { // stopped ones are paused; adoptPositions sets where they begin
		if start[tp.topic] == nil {
			start[tp.topic] = make(map[int32]kgo.Offset)
		}
		at, ok := found[tp]
		if !ok {
			at.last = unknownRecord
		}
		start[tp.topic][tp.partition] = kgo.NewOffset().At(at.next).WithEpoch(at.lastEpoch())
	}
	c.sink.forgetIDs() // the tables may have been emptied while others had the partitions
	c.sink.states.forget(topicPartition{c.sink.cfg.Group, -1})
	c.mu.Lock()
	defer c.mu.Unlock()
	for tp, at := range found {
		c.at[tp] = at
		delete(c.stopped, tp)
		c.sink.stopLogged.Delete(tp)
		c.sink.states.unblock(tp, Waiting, Stopped)
	}
	return start, nil
}

// onPartitionsRevoked is called before partitions are reassigned: it commits the
// group's offsets.
func (c *consumer) onPartitionsRevoked(ctx context.Context, cl *kgo.Client, gone map[string][]int32) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := cl.CommitMarkedOffsets(ctx); err != nil {
		c.log.Debug("cannot commit the group's offsets; they are for lag only", "err", err)
	}
	c.onPartitionsLost(ctx, cl, gone)
}

// onPartitionsLost is called when partitions are no longer assigned.
func (c *consumer) onPartitionsLost(_ context.Context, cl *kgo.Client, gone map[string][]int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, ps := range gone {
		for _, p := range ps {
			tp := topicPartition{t, p}
			delete(c.at, tp)
			delete(c.stopped, tp)
			delete(c.corrupt, tp)
			c.sink.states.forget(tp) // the next owner finds the fault again
			c.sink.metrics.forget(tp)
		}
	}
	cl.ResumeFetchPartitions(gone) // unpaused, if they are assigned again
}

// loadPositions reads the stored offsets of partitions, and inserts those that are
// new to the database at the start of their log. A partition whose log does not
// continue the stored one is stopped and left out.
func (c *consumer) loadPositions(ctx context.Context, partitions []topicPartition) (map[topicPartition]position, error) {
	log, rows, err := c.sink.readBoth(ctx, c.adm, topicsOf(partitions))
	if err != nil {
		return nil, err
	}
	found := make(map[topicPartition]position, len(partitions))
	for _, tp := range partitions {
		id, ok := log.ids[tp.topic]
		if !ok {
			return nil, fmt.Errorf("topic %s is not in the cluster's metadata", tp.topic)
		}
		if id == (kadm.TopicID{}) {
			return nil, fmt.Errorf("topic %s has no id: the brokers are older than Kafka 2.8", tp.topic)
		}
		span, ok := log.spans[tp]
		if !ok {
			return nil, fmt.Errorf("the log's offsets of %s are not known", tp)
		}
		p, ok := rows[rowKey{id, tp.partition}]
		if !ok {
			p = position{cluster: log.cluster, topic: id, last: unknownRecord}
			if p.next, p.table, err = c.insertPosition(ctx, log.cluster, id, tp, span.start); err != nil {
				return nil, err
			}
		}
		if found[tp], err = c.sink.passExpired(ctx, tp, p, span); err != nil {
			return nil, err
		}
	}
	wrong, err := c.sink.compare(ctx, c.adm, log, found)
	if err != nil {
		return nil, err
	}
	for tp, why := range wrong {
		c.stop(tp, why)
		delete(found, tp)
	}
	return found, nil
}

// insertPosition inserts the row of a partition that is new to the database.
func (c *consumer) insertPosition(ctx context.Context, cluster string, id kadm.TopicID, tp topicPartition, start int64) (next int64, table uint32, err error) {
	if _, err = c.sink.cfg.Pool.Exec(ctx, `INSERT INTO sink_offsets (cluster_id, topic_id, partition, topic, next)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, cluster, uuid(id), tp.partition, tp.topic, start); err != nil {
		return 0, 0, err
	}
	err = c.sink.cfg.Pool.QueryRow(ctx, "SELECT next, tableoid FROM sink_offsets WHERE cluster_id = $1 AND topic_id = $2 AND partition = $3",
		cluster, uuid(id), tp.partition).Scan(&next, &table)
	return next, table, err
}

// reloadPositions reads the stored offsets after another sink moved them, or after
// the answer to a commit was lost.
func (c *consumer) reloadPositions(ctx context.Context, ms []offsetAdvance) error {
	c.sink.forgetIDs()
	found, err := c.loadPositions(ctx, partitionsOf(ms))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.at, found)
	return nil
}

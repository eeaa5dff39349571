package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// assigned is called with partitions we were given. Their reading starts where
// the tables are, whatever the group has committed. It waits for the database
// and the broker as long as the partitions are ours.
func (c *consumer) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	var places []place
	for t, ps := range offsets {
		for p := range ps {
			places = append(places, place{t, p})
		}
	}
	var found map[place]position
	err := c.patiently(ctx, "find where the tables are", places, func(ctx context.Context) (err error) {
		found, err = c.locate(ctx, places)
		return err
	})
	if err != nil {
		return nil, err
	}
	start := make(map[string]map[int32]kgo.Offset)
	for _, pl := range places { // those that are stopped are paused, and begin where takeUp says
		if start[pl.topic] == nil {
			start[pl.topic] = make(map[int32]kgo.Offset)
		}
		at, ok := found[pl]
		if !ok {
			at.last = unknownRecord
		}
		start[pl.topic][pl.partition] = kgo.NewOffset().At(at.next).WithEpoch(at.lastEpoch())
	}
	c.states.forget(place{c.cfg.Group, -1})
	c.mu.Lock()
	defer c.mu.Unlock()
	for pl, at := range found {
		c.at[pl] = at
		delete(c.stopped, pl)
		c.said.Delete(pl)
		c.states.unblock(pl, Waiting, Stopped)
	}
	return start, nil
}

// revoked is called before partitions are given away: the group hears how far
// we came.
func (c *consumer) revoked(ctx context.Context, cl *kgo.Client, gone map[string][]int32) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := cl.CommitMarkedOffsets(ctx); err != nil {
		c.log.Debug("cannot commit the group's offsets; they are for lag only", "cause", err)
	}
	c.lost(ctx, cl, gone)
}

// lost is called when partitions are no longer ours.
func (c *consumer) lost(_ context.Context, cl *kgo.Client, gone map[string][]int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, ps := range gone {
		for _, p := range ps {
			pl := place{t, p}
			delete(c.at, pl)
			delete(c.stopped, pl)
			delete(c.corrupt, pl)
			c.states.forget(pl) // the consumer that gets it finds the fault again
			c.metrics.forget(pl)
		}
	}
	cl.ResumeFetchPartitions(gone) // whoever gets them back starts unpaused
}

// locate reads where the tables are in each of places, and puts those that are
// new to the database at the start of their log. A place whose log does not
// continue what the tables hold is stopped and left out.
func (c *consumer) locate(ctx context.Context, places []place) (map[place]position, error) {
	log, rows, err := c.readBoth(ctx, c.adm, topicsOf(places))
	if err != nil {
		return nil, err
	}
	found := make(map[place]position, len(places))
	for _, pl := range places {
		id, ok := log.ids[pl.topic]
		if !ok {
			return nil, fmt.Errorf("topic %s is not in the cluster's metadata", pl.topic)
		}
		if id == (kadm.TopicID{}) {
			return nil, fmt.Errorf("topic %s has no id: the brokers are older than Kafka 2.8", pl.topic)
		}
		span, ok := log.spans[pl]
		if !ok {
			return nil, fmt.Errorf("the log's offsets of %s are not known", pl)
		}
		p, ok := rows[rowKey{id, pl.partition}]
		if !ok {
			p = position{cluster: log.cluster, topic: id, last: unknownRecord}
			if p.next, err = c.enter(ctx, log.cluster, id, pl, span.start); err != nil {
				return nil, err
			}
		}
		found[pl] = p
	}
	wrong, err := c.compare(ctx, c.adm, log, found)
	if err != nil {
		return nil, err
	}
	for pl, why := range wrong {
		c.stop(pl, why)
		delete(found, pl)
	}
	return found, nil
}

// enter makes the row of a partition that is new to the database.
func (c *consumer) enter(ctx context.Context, cluster string, id kadm.TopicID, pl place, start int64) (next int64, err error) {
	if _, err = c.cfg.Pool.Exec(ctx, `INSERT INTO sink_offsets (cluster_id, topic_id, partition, topic, next)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, cluster, uuid(id), pl.partition, pl.topic, start); err != nil {
		return 0, err
	}
	err = c.cfg.Pool.QueryRow(ctx, "SELECT next FROM sink_offsets WHERE cluster_id = $1 AND topic_id = $2 AND partition = $3",
		cluster, uuid(id), pl.partition).Scan(&next)
	return next, err
}

func uuid(id kadm.TopicID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// resync finds out where the tables are after another sink moved them, or
// after the answer to a commit was lost.
func (c *consumer) resync(ctx context.Context, ms []move) error {
	c.names.forget()
	c.days.forget()
	found, err := c.locate(ctx, placesOf(ms))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.at, found)
	return nil
}

// patiently does a thing until it is done, with growing pauses, for as long as
// ctx lasts. A wait of more than a second is said, again every half minute,
// and at its end, and is the state of the partitions that it holds up.
func (c *consumer) patiently(ctx context.Context, what string, places []place, do func(context.Context) error) error {
	var said, began time.Time
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		try, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := do(try)
		cancel()
		if err == nil {
			if !said.IsZero() {
				for _, pl := range places {
					c.states.unblock(pl, Waiting)
				}
				c.log.Info("goes on: can "+what+" again", "after", time.Since(began).Round(time.Millisecond))
			}
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if began.IsZero() {
			began = time.Now()
			c.metrics.waiting.Inc()
			defer c.metrics.waiting.Dec()
		}
		c.metrics.waits.Inc()
		if time.Since(began) > time.Second && time.Since(said) > 30*time.Second {
			said = time.Now()
			for _, pl := range places {
				c.states.block(pl, Waiting, "cannot "+what+": "+err.Error())
			}
			c.log.Warn("waits: cannot "+what, "cause", err, "sqlstate", sqlstate(err))
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

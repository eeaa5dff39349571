package sink

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recheckEvery is how often a consumer looks whether the tables and the log are
// where it believes, though nothing happens: a stopped partition that a user
// has seen to reads on, and so does an idle one whose tables were restored from
// an older dump.
const recheckEvery = 5 * time.Second

// reconnects is told of each connection that the client makes. Another log
// cannot take the place of one that is read without one.
type reconnects struct{ seen atomic.Bool }

var _ kgo.HookBrokerConnect = (*reconnects)(nil)

// OnBrokerConnect implements kgo.HookBrokerConnect. It is called before the
// first request on the connection.
func (r *reconnects) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		r.seen.Store(true)
	}
}

// recheck is called between a poll and its write. It stops the partitions whose
// log became another one since they were last compared, and every now and then
// takes up positions that were moved. It returns the partitions of which the
// poll's records are not to be written: they are fetched again from there.
func (c *consumer) recheck(ctx context.Context) (moved map[place]bool) {
	if c.reconnects.seen.Swap(false) || len(c.suspect) > 0 {
		at := c.positions()
		err := c.patiently(ctx, "compare the log with the tables", placesAt(at), func(ctx context.Context) error {
			return c.compareLog(ctx, at)
		})
		if err != nil {
			c.reconnects.seen.Store(true)
			return nil // ctx has ended
		}
		for pl, why := range c.suspect {
			if _, reading := c.position(pl); reading {
				c.stop(pl, why)
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
	at, stopped := c.positions(), c.stoppedPlaces()
	found, err := c.locate(try, append(placesAt(at), stopped...))
	if err != nil {
		c.log.Debug("cannot look where the tables and the log are; a write would wait", "cause", err)
		return nil
	}
	return c.takeUp(at, found)
}

// compareLog stops the partitions whose log is not the one that was read.
func (c *consumer) compareLog(ctx context.Context, at map[place]position) error {
	names := topicsOf(placesAt(at))
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
	for pl, p := range at {
		if log.ids[pl.topic] != p.topic {
			delete(at, pl) // made anew: the client finds out
		}
	}
	wrong, err := c.compare(ctx, c.adm, log, at)
	if err != nil {
		return err
	}
	for pl, why := range wrong {
		c.stop(pl, why)
	}
	return nil
}

// takeUp reads on from the positions that were found where they are not those
// that the consumer had. at is from before.
func (c *consumer) takeUp(at, found map[place]position) (moved map[place]bool) {
	moved = make(map[place]bool)
	back := make(map[string]map[int32]kgo.EpochOffset)
	c.mu.Lock()
	for pl, p := range found {
		now, reading := c.at[pl]
		_, stopped := c.stopped[pl]
		if !stopped && (!reading || now.next == p.next || now.next != at[pl].next) {
			continue // no longer ours, or where it was
		}
		if offset, corrupt := c.corrupt[pl]; corrupt && offset == p.next {
			continue // the log is the right one, and cannot be read there
		}
		delete(c.corrupt, pl)
		moved[pl] = true
		c.at[pl] = p
		delete(c.stopped, pl)
		c.said.Delete(pl)
		c.states.unblock(pl, Stopped, Waiting)
		if back[pl.topic] == nil {
			back[pl.topic] = make(map[int32]kgo.EpochOffset)
		}
		back[pl.topic][pl.partition] = kgo.EpochOffset{Epoch: p.lastEpoch(), Offset: p.next}
	}
	c.mu.Unlock()
	if len(moved) == 0 {
		return nil
	}
	c.names.forget()
	c.days.forget()
	c.log.Info("reading on from where the tables are now", "partitions", len(moved))
	c.cl.SetOffsets(back)
	for pl := range moved {
		if !c.isParked(pl) {
			c.cl.ResumeFetchPartitions(map[string][]int32{pl.topic: {pl.partition}})
		}
	}
	return moved
}

func (c *consumer) stoppedPlaces() (places []place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pl := range c.stopped {
		places = append(places, pl)
	}
	return places
}

func placesAt(at map[place]position) []place {
	places := make([]place, 0, len(at))
	for pl := range at {
		places = append(places, pl)
	}
	return places
}

package sink

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/twmb/franz-go/pkg/kgo"
)

// attemptTimeout bounds one attempt of a transaction, for a server that takes
// the connection and never answers.
const attemptTimeout = 30 * time.Second

// errAside says that the rest of a batch was given up after another sink's
// move. The positions are right: settle has the rest read again.
var errAside = errors.New("set aside")

// write brings items, fetched together, into the tables, in order within each
// partition. It returns when that is done, but for partitions it had to park;
// with errAside; or when ctx ended while the database could not be written.
// What is written is what the positions say, and settle sees to the others.
// work outlasts ctx: it is for the transaction in hand.
func (c *consumer) write(ctx, work context.Context, items []item, fetched time.Time) error {
	items, parked := c.bury(work, items)
	defer func() {
		for pl, why := range parked {
			c.hold(pl, pause, why)
		}
	}()
	if len(items) == 0 {
		return nil
	}
	var v verdict
	var cause error
	unsure := false // an attempt's answer was lost: it may have been committed
	at := c.positions()
	err := c.patiently(ctx, "write to the database", placesOf(moves(items, at)), func(context.Context) error {
		try, cancel := context.WithTimeout(work, attemptTimeout)
		defer cancel()
		cause = c.transact(try, items, at, fetched)
		v = judge(cause)
		if v == wait {
			unsure = unsure || mayHaveCommitted(cause)
			return cause
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case v == fenced:
		return c.giveWay(ctx, work, moves(items, at), unsure)
	case v == repeated:
		return c.rewrite(ctx, work, items, fetched, cause)
	case v == content:
		return c.bisect(ctx, work, items, fetched, cause)
	}
	return nil
}

// rewrite writes items of which some are in the tables already, once those are
// sorted out.
func (c *consumer) rewrite(ctx, work context.Context, items []item, fetched time.Time, cause error) error {
	var sorted []item
	var n int
	err := c.patiently(ctx, "compare with the tables", placesOf(moves(items, c.positions())), func(context.Context) (err error) {
		try, cancel := context.WithTimeout(work, attemptTimeout)
		defer cancel()
		sorted, n, err = c.compareEvents(try, items)
		return err
	})
	switch {
	case err != nil:
		return err
	case n == 0: // somebody's constraint has a name like ours
		return c.bisect(ctx, work, items, fetched, cause)
	}
	return c.write(ctx, work, sorted, fetched)
}

// bisect writes the halves of items, each in a transaction of its own, until
// the record that the database refuses stands alone: that is buried.
func (c *consumer) bisect(ctx, work context.Context, items []item, fetched time.Time, cause error) error {
	if len(items) == 1 {
		it := items[0]
		it.empty()
		it.bad = cause
		return c.write(ctx, work, []item{it}, fetched)
	}
	half := len(items) / 2
	left := c.write(ctx, work, items[:half], fetched)
	if left != nil {
		return left
	}
	right := slices.DeleteFunc(slices.Clone(items[half:]), func(it item) bool { return c.isParked(it.place) })
	return c.write(ctx, work, right, fetched)
}

func (c *consumer) isParked(pl place) bool { _, ok := c.parked[pl]; return ok }

// giveWay handles a fenced transaction: nothing of it was written.
func (c *consumer) giveWay(ctx, work context.Context, ms []move, unsure bool) error {
	if !unsure {
		c.metrics.fenced.Inc()
		c.log.Warn("another sink has moved an offset; reading on from where it is", "partitions", len(ms))
	}
	err := c.patiently(ctx, "find where the tables are", placesOf(ms), func(context.Context) error {
		try, cancel := context.WithTimeout(work, attemptTimeout)
		defer cancel()
		return c.resync(try, ms)
	})
	if err != nil {
		return err
	}
	return errAside
}

// batchTimes is the row of table batches for a committed transaction. It can
// only be written after the commit it speaks of.
type batchTimes struct {
	id                 int64
	fetched, committed time.Time
	records            int
}

const insertTimes = `
INSERT INTO batches (batch_id, fetched_at, committed_at, records) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

// transact writes items in one transaction: many with COPY, few in one round
// trip.
func (c *consumer) transact(ctx context.Context, items []item, at map[place]position, fetched time.Time) error {
	rows, err := c.collect(ctx, items)
	if err != nil {
		return err
	}
	id, err := c.batchID(ctx)
	if err != nil {
		return err
	}
	ms := moves(items, at)
	began := time.Now()
	if rows.len() >= bulk {
		err = c.copyIn(ctx, c.frame(ms, at, rows), rows, id)
	}
	if rows.len() < bulk || err != nil && judge(err) != fenced && judge(err) != repeated && !mayHaveCommitted(err) {
		b := c.frame(ms, at, rows)
		rows.queue(b, id)
		err = sendIn(ctx, c.cfg.Pool, b)
	}
	if err != nil {
		return err
	}
	c.committed(items, ms, rows, batchTimes{id, fetched, time.Now(), len(items)}, began)
	return nil
}

// frame is what every transaction has beside its many rows: the fence first,
// then runs, crossings and the times of the batch before.
func (c *consumer) frame(ms []move, at map[place]position, r *rows) *pgx.Batch {
	b := new(pgx.Batch)
	queueAdvance(b, ms, at)
	r.queueRuns(b)
	r.queueCrossings(b)
	c.queueTimes(b)
	return b
}

func queueAdvance(b *pgx.Batch, ms []move, at map[place]position) {
	ids := make([]pgtype.UUID, len(ms))
	partitions := make([]int32, len(ms))
	from, to := make([]int64, len(ms)), make([]int64, len(ms))
	epochs, digests := make([]int32, len(ms)), make([][]byte, len(ms))
	var cluster string // the same for all: one client, one cluster
	for i, m := range ms {
		cluster, ids[i], partitions[i], from[i], to[i] = at[m.place].cluster, uuid(at[m.place].topic), m.partition, m.from, m.to
		epochs[i] = -1
		if m.last != nil {
			epochs[i], digests[i] = m.last.LeaderEpoch, digest(m.last)
		}
	}
	b.Queue("SELECT sightlog_advance($1, $2, $3, $4, $5, $6, $7)", cluster, ids, partitions, from, to, epochs, digests)
}

// sendIn runs the statements in one pipeline. On a pool that is one
// transaction: the server commits at the end of the pipeline, or rolls all of
// it back at the first error.
func sendIn(ctx context.Context, db interface {
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}, b *pgx.Batch) error {
	n := b.Len()
	res := db.SendBatch(ctx, b)
	for range n {
		if _, err := res.Exec(); err != nil {
			_ = res.Close() // the first error is the cause
			return err
		}
	}
	return res.Close() // the commit's answer
}

// committed notes what a transaction has done.
func (c *consumer) committed(items []item, ms []move, r *rows, t batchTimes, began time.Time) {
	c.last = &t
	marks := make(map[string]map[int32]kgo.EpochOffset)
	c.mu.Lock()
	for _, m := range ms {
		if p, ok := c.at[m.place]; ok {
			p.next, p.last = m.to, identify(m.last)
			c.at[m.place] = p
			c.states.unblock(m.place, Waiting)
		}
		if marks[m.topic] == nil {
			marks[m.topic] = make(map[int32]kgo.EpochOffset)
		}
		marks[m.topic][m.partition] = kgo.EpochOffset{Epoch: -1, Offset: m.to}
	}
	c.mu.Unlock()
	c.cl.MarkCommitOffsets(marks)

	latencies := r.latencies(t.committed)
	c.metrics.observe(items, r, latencies, t.committed.Sub(began))
	if c.cfg.OnCommit != nil {
		c.cfg.OnCommit(Commit{
			At: t.committed, Records: len(items), Sightings: len(r.sightings.seq),
			People: r.people, Detections: len(r.detections.seq), EndToEnd: latencies,
		})
	}
}

func (c *consumer) queueTimes(b *pgx.Batch) {
	if t := c.last; t != nil {
		b.Queue(insertTimes, t.id, t.fetched, t.committed, t.records)
	}
}

// writeTimes writes the times of the last batch when none follows it. They
// are not worth waiting for the disk.
func (c *consumer) writeTimes(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	b := new(pgx.Batch)
	b.Queue("SELECT set_config('synchronous_commit', 'off', true)")
	c.queueTimes(b)
	if err := sendIn(ctx, c.cfg.Pool, b); err != nil {
		return // they stay in hand for the next transaction
	}
	c.last = nil
}

// batchID takes the next id of a hundred that were fetched together.
func (c *consumer) batchID(ctx context.Context) (int64, error) {
	if len(c.ids) == 0 {
		rows, err := c.cfg.Pool.Query(ctx, "SELECT nextval('batch_ids') FROM generate_series(1, 100)")
		if err != nil {
			return 0, err
		}
		if c.ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return 0, err
		}
	}
	id := c.ids[0]
	c.ids = c.ids[1:]
	return id, nil
}

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

// errBatchAbandoned means that another sink moved an offset and the rest of the batch
// was not written. The positions are those stored: rewindUnwritten has the rest
// fetched again.
var errBatchAbandoned = errors.New("batch abandoned: another sink moved an offset")

// write stores items, the result of one poll, in order within each partition. It
// returns nil when all are stored except those of partitions that it had to pause;
// errBatchAbandoned when another sink moved an offset; another error when ctx ended
// while the database was unavailable. c.at always has the stored offsets, and
// rewindUnwritten has the rest fetched again. work outlives ctx by StopTimeout, so
// that a transaction in progress can finish during shutdown.
func (c *consumer) write(ctx, work context.Context, items []entry, fetched time.Time) error {
	items, waiting := c.rejectBad(work, items)
	defer func() {
		for tp, why := range waiting {
			c.waitFor(tp, pause, why)
		}
	}()
	if len(items) == 0 {
		return nil
	}
	var v errorClass
	var cause error
	outcomeUnknown := false // an attempt's answer was lost: it may have been committed
	at := c.positions()
	err := c.retryUntilDone(ctx, "write to the database", partitionsOf(advances(items, at)), func(context.Context) error {
		try, cancel := context.WithTimeout(work, attemptTimeout)
		defer cancel()
		cause = c.transact(try, items, at, fetched)
		v = classify(cause)
		if v == wait {
			outcomeUnknown = outcomeUnknown || mayHaveCommitted(cause)
			return cause
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case v == fenced:
		return c.handleOffsetConflict(ctx, work, advances(items, at), outcomeUnknown)
	case v == repeated:
		return c.rewrite(ctx, work, items, fetched, cause)
	case v == badRecord:
		return c.bisect(ctx, work, items, fetched, cause)
	}
	return nil
}

// rewrite is called when some of items are in the tables already: it compares them,
// and writes the others.
func (c *consumer) rewrite(ctx, work context.Context, items []entry, fetched time.Time, cause error) error {
	var sorted []entry
	var n int
	err := c.retryUntilDone(ctx, "compare with the tables", partitionsOf(advances(items, c.positions())), func(context.Context) (err error) {
		try, cancel := context.WithTimeout(work, attemptTimeout)
		defer cancel()
		sorted, n, err = c.compareEvents(try, items)
		return err
	})
	switch {
	case err != nil:
		return err
	case n == 0 && sqlstate(cause) == keyViolation: // a user's own constraint has a name like ours
		return c.bisect(ctx, work, items, fetched, cause)
	}
	return c.write(ctx, work, sorted, fetched)
}

// bisect writes the halves of items, each in a transaction of its own, until the
// record that the database refuses is alone: that becomes a dead letter.
func (c *consumer) bisect(ctx, work context.Context, items []entry, fetched time.Time, cause error) error {
	if len(items) == 1 {
		it := items[0]
		it.empty()
		it.rejectCause = cause
		return c.write(ctx, work, []entry{it}, fetched)
	}
	half := len(items) / 2
	left := c.write(ctx, work, items[:half], fetched)
	if left != nil {
		return left
	}
	right := slices.DeleteFunc(slices.Clone(items[half:]), func(it entry) bool { return c.isPaused(it.topicPartition) })
	return c.write(ctx, work, right, fetched)
}

func (c *consumer) isPaused(tp topicPartition) bool { _, ok := c.paused[tp]; return ok }

// handleOffsetConflict is called after a transaction that found an offset moved by
// another sink: nothing of it was written. It loads the positions.
func (c *consumer) handleOffsetConflict(ctx, work context.Context, ms []offsetAdvance, outcomeUnknown bool) error {
	if !outcomeUnknown {
		c.sink.metrics.fenced.Inc()
		c.log.Warn("another sink moved an offset; continuing from the stored one", "partitions", len(ms))
	}
	err := c.retryUntilDone(ctx, "read the stored offsets", partitionsOf(ms), func(context.Context) error {
		try, cancel := context.WithTimeout(work, attemptTimeout)
		defer cancel()
		return c.reloadPositions(try, ms)
	})
	if err != nil {
		return err
	}
	return errBatchAbandoned
}

// batchTimes is the row of table batches for a committed transaction. It has the
// commit's time, so that only a later transaction can write it.
type batchTimes struct {
	id                 int64
	fetched, committed time.Time
	records            int
}

const insertTimes = `
INSERT INTO batches (batch_id, fetched_at, committed_at, records) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

// transact writes items in one transaction: many with COPY, few in one round
// trip.
func (c *consumer) transact(ctx context.Context, items []entry, at map[topicPartition]position, fetched time.Time) error {
	rows, err := c.sink.collect(ctx, items)
	if err != nil {
		return err
	}
	if rows.unordered && !rows.compared {
		return errUnordered
	}
	id, err := c.batchID(ctx)
	if err != nil {
		return err
	}
	ms := advances(items, at)
	began := time.Now()
	if rows.len() >= bulk {
		err = c.copyIn(ctx, c.commonStatements(ms, at, rows), rows, id)
	}
	if rows.len() < bulk || err != nil && classify(err) != fenced && classify(err) != repeated && !mayHaveCommitted(err) {
		b := c.commonStatements(ms, at, rows)
		rows.queue(b, id)
		err = sendIn(ctx, c.sink.cfg.Pool, b)
	}
	if err != nil {
		return err
	}
	c.committed(items, ms, rows, batchTimes{id, fetched, time.Now(), len(items)}, began)
	return nil
}

// commonStatements returns the statements of every transaction: the offset check
// first, then runs, crossings, totals and the times of the transaction before.
// Sightings follow, as a statement or by COPY.
func (c *consumer) commonStatements(ms []offsetAdvance, at map[topicPartition]position, r *rows) *pgx.Batch {
	b := new(pgx.Batch)
	queueAdvance(b, ms, at)
	r.queueRuns(b)
	crossingTable.queue(b, r.crossings)
	totalsOf(r.sightings).queue(b, r.compared)
	c.queueTimes(b)
	return b
}

func queueAdvance(b *pgx.Batch, ms []offsetAdvance, at map[topicPartition]position) {
	ids := make([]pgtype.UUID, len(ms))
	partitions := make([]int32, len(ms))
	from, to := make([]int64, len(ms)), make([]int64, len(ms))
	epochs, digests := make([]int32, len(ms)), make([][]byte, len(ms))
	tables := make([]uint32, len(ms))
	var cluster string // the same for all: one client, one cluster
	for i, m := range ms {
		cluster, ids[i], partitions[i], from[i], to[i] = at[m.topicPartition].cluster, uuid(at[m.topicPartition].topic), m.partition, m.from, m.to
		epochs[i], tables[i] = -1, at[m.topicPartition].table
		if m.last != nil {
			epochs[i], digests[i] = m.last.LeaderEpoch, digest(m.last)
		}
	}
	b.Queue("SELECT sightlog_advance_offsets($1, $2, $3, $4, $5, $6, $7, $8)", cluster, ids, partitions, from, to, epochs, digests, tables)
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

// committed updates positions and metrics after a transaction.
func (c *consumer) committed(items []entry, ms []offsetAdvance, r *rows, t batchTimes, began time.Time) {
	c.last = nil
	if len(r.stored) > 0 { // no sighting refers to the times of another transaction
		c.last = &t
	}
	marks := make(map[string]map[int32]kgo.EpochOffset)
	c.mu.Lock()
	for _, m := range ms {
		if p, ok := c.at[m.topicPartition]; ok {
			p.next, p.last = m.to, identify(m.last)
			c.at[m.topicPartition] = p
			c.sink.states.unblock(m.topicPartition, Waiting)
		}
		if marks[m.topic] == nil {
			marks[m.topic] = make(map[int32]kgo.EpochOffset)
		}
		marks[m.topic][m.partition] = kgo.EpochOffset{Epoch: -1, Offset: m.to}
	}
	c.mu.Unlock()
	c.cl.MarkCommitOffsets(marks)

	latencies := r.latencies(t.committed)
	c.sink.metrics.observe(items, r, latencies, t.committed.Sub(began))
	if c.sink.cfg.OnCommit != nil {
		c.sink.cfg.OnCommit(Commit{
			At: t.committed, Records: len(items), Sightings: len(r.sightings),
			People: r.people, Detections: r.detections, EndToEnd: latencies,
		})
	}
}

func (c *consumer) queueTimes(b *pgx.Batch) {
	if t := c.last; t != nil {
		b.Queue(insertTimes, t.id, t.fetched, t.committed, t.records)
	}
}

// writeTimes writes the times of the last transaction if none follows it. It does
// not wait for the disk: they may be lost.
func (c *consumer) writeTimes(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	b := new(pgx.Batch)
	b.Queue("SELECT set_config('synchronous_commit', 'off', true)")
	c.queueTimes(b)
	if err := sendIn(ctx, c.sink.cfg.Pool, b); err != nil {
		return // the next transaction writes them
	}
	c.last = nil
}

// batchID returns the next id. They are fetched a hundred at a time.
func (c *consumer) batchID(ctx context.Context) (int64, error) {
	if len(c.ids) == 0 {
		rows, err := c.sink.cfg.Pool.Query(ctx, "SELECT nextval('batch_ids') FROM generate_series(1, 100)")
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

package sink

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/twmb/franz-go/pkg/kgo"
)

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
		rows.queuePaths(b)
		err = c.insert(ctx, b, rows)
	}
	if err != nil {
		return err
	}
	c.committed(items, ms, rows, batchTimes{id, fetched, time.Now(), len(items)}, began)
	return nil
}

// bulk is the number of rows from which a transaction is tried with COPY. COPY takes
// five round trips instead of one, and a half to a third of the time for thousands of
// rows.
const bulk = 500

// copyIn writes a large transaction with COPY, after the statements in b, of which
// the offset check is the first. COPY has no ON CONFLICT and does not report which
// row failed. If it fails, nothing was written; the caller repeats the transaction
// with the INSERTs of rows.queue, whose error can be classified.
func (c *consumer) copyIn(ctx context.Context, b *pgx.Batch, r *rows, id int64) (err error) {
	if c.types == nil {
		if c.types, err = readColumnTypes(ctx, c.sink.cfg.Pool, sightingTable.name); err != nil {
			return err
		}
	}
	err = c.shown(ctx, r, func(tx pgx.Tx) error {
		if err := sendIn(ctx, tx, b); err != nil {
			return err
		}
		r.setBatch(id)
		if err := sightingTable.copyIn(ctx, tx, r.stored, c.types); err != nil || !r.compared {
			return err
		}
		late := new(pgx.Batch)
		if r.queuePaths(late); late.Len() == 0 {
			return nil
		}
		return sendIn(ctx, tx, late)
	})
	if err != nil {
		c.types = nil // somebody may have changed them
	}
	return err
}

// insert sends the statements of a transaction: in one round trip, unless the watcher wants
// to see what they write.
func (c *consumer) insert(ctx context.Context, b *pgx.Batch, r *rows) error {
	if w := r.watched(c.sink.cfg.Watcher); w.none() {
		return sendIn(ctx, c.sink.cfg.Pool, b)
	}
	return c.shown(ctx, r, func(tx pgx.Tx) error { return sendIn(ctx, tx, b) })
}

// shown runs a transaction that writes rows, and shows the watcher what it has written.
func (c *consumer) shown(ctx context.Context, r *rows, write func(pgx.Tx) error) error {
	committed := func() {}
	err := pgx.BeginFunc(ctx, c.sink.cfg.Pool, func(tx pgx.Tx) (err error) {
		if err := write(tx); err != nil {
			return err
		}
		if w := r.watched(c.sink.cfg.Watcher); !w.none() {
			committed, err = c.sink.cfg.Watcher.Watch(ctx, tx, w.sightings, w.crossings)
		}
		return err
	})
	if err == nil {
		committed()
	}
	return err
}

// commonStatements returns the statements of every transaction: the offset check
// first, then runs, crossings, totals and the times of the transaction before.
// Sightings follow, as a statement or by COPY.
func (c *consumer) commonStatements(ms []offsetAdvance, at map[topicPartition]position, r *rows) *pgx.Batch {
	b := new(pgx.Batch)
	queueAdvance(b, ms, at)
	r.queueRuns(b)
	crossings, visits := outboxStatements(c.sink.cfg.Outbox, r.compared)
	crossings.queue(b, r.crossings)
	r.queueSnapshots(b)
	totalsOf(r.sightings).queue(b, r.compared, visits)
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
	stored, traces := c.sink.traced(items)
	c.sink.metrics.observe(items, r, latencies, traces, t.committed.Sub(began))
	c.sink.cfg.Tracer.Commit(stored, len(items), t.fetched, began, t.committed)
	if c.sink.cfg.OnCommit != nil {
		c.sink.cfg.OnCommit(Commit{
			At: t.committed, Records: len(items), Sightings: len(r.sightings),
			People: r.people, Detections: r.detections, EndToEnd: latencies,
		})
	}
}

const insertTimes = `
INSERT INTO batches (batch_id, fetched_at, committed_at, records) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

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

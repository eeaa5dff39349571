package sink

import (
	"context"
	"errors"
	"slices"
	"time"
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
			c.pauseWithReason(tp, pause, why)
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
		if v == retryLater {
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

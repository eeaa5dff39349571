package sink

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// bulk is the number of rows from which a transaction is tried with COPY. COPY takes
// five round trips instead of one, and a half to a third of the time for thousands of
// rows.
const bulk = 500

func (r *rows) len() int {
	n := len(r.stored)
	for i := range r.stored {
		n += len(r.stored[i].Objects)
	}
	return n
}

// copyIn writes a large transaction with COPY, after the statements in b, of which
// the offset check is the first. COPY has no ON CONFLICT and does not report which
// row failed. If it fails, nothing was written; the caller repeats the transaction
// with the INSERTs of rows.queue, whose error can be classified.
func (c *consumer) copyIn(ctx context.Context, b *pgx.Batch, r *rows, id int64) error {
	return pgx.BeginFunc(ctx, c.sink.cfg.Pool, func(tx pgx.Tx) error {
		if err := sendIn(ctx, tx, b); err != nil {
			return err
		}
		r.setBatch(id)
		return sightingTable.copyIn(ctx, tx, r.stored)
	})
}

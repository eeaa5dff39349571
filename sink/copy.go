package sink

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// bulk is from how many rows on a transaction is tried with COPY: two to three
// times as fast for thousands of rows, and five round trips instead of one.
const bulk = 500

func (r *rows) len() int { return len(r.sightings.seq) + len(r.detections.seq) }

// copyIn writes the transaction whose fence and small statements are in b with
// COPY. COPY knows no ON CONFLICT and does not say which row it minds: where it
// fails, nothing is written, and the statements that queue makes have to judge.
func (c *consumer) copyIn(ctx context.Context, b *pgx.Batch, r *rows, id int64) error {
	return pgx.BeginFunc(ctx, c.cfg.Pool, func(tx pgx.Tx) error {
		if err := sendIn(ctx, tx, b); err != nil { // the fence first
			return err
		}
		r.setBatch(id)
		if err := sightingTable.copyIn(ctx, tx, r, len(r.sightings.seq)); err != nil {
			return err
		}
		return detectionTable.copyIn(ctx, tx, r, len(r.detections.seq))
	})
}

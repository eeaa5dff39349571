package sink

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// deleteSnapshotsBeyond deletes the oldest snapshots until the others take no more than Config.SnapshotSpace.
func (r *retention) deleteSnapshotsBeyond(ctx context.Context) error {
	const sql = `DELETE FROM snapshots WHERE ctid = ANY(ARRAY(
		SELECT s.ctid FROM snapshots s WHERE s.captured_at <= (
			SELECT captured_at FROM (
				SELECT captured_at, sum(bytes) OVER (ORDER BY captured_at DESC, run_id, track_id, crossing_seq, step) AS total FROM snapshots
			) t WHERE total > $1 ORDER BY captured_at DESC LIMIT 1)
		ORDER BY captured_at LIMIT $2 FOR UPDATE SKIP LOCKED))`
	if r.space <= 0 {
		return nil
	}
	total, err := r.inSteps(ctx, func(tx pgx.Tx) (int64, error) {
		tag, err := tx.Exec(ctx, sql, r.space, stepRows)
		return tag.RowsAffected(), err
	})
	if err != nil {
		return fmt.Errorf("delete snapshots beyond their space: %w", err)
	}
	if total > 0 {
		r.metrics.deleted.WithLabelValues("snapshots").Add(float64(total))
		r.log.Info("deleted the oldest snapshots, which take more than --snapshot-space", "rows", total)
	}
	return nil
}

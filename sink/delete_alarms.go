package sink

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// deleteAlarms deletes alarms that are over and began before the time of their camera, with
// their messages, and messages without an alarm. Those of places have the time of no camera
// in particular.
func (r *retention) deleteAlarms(ctx context.Context, now time.Time) error {
	before := func(k Keep) time.Time {
		if d := k.complete().Alarms; d < forever {
			return now.Add(-d)
		}
		return time.Time{} // before every alarm
	}
	names := slices.Sorted(maps.Keys(r.cameras))
	limits := make([]time.Time, len(names))
	for i, name := range names {
		limits[i] = before(r.cameras[name])
	}
	for _, d := range []struct {
		table, sql string
		args       []any
	}{
		{"alarms", `DELETE FROM alarms WHERE seq = ANY(ARRAY(
			SELECT seq FROM alarms a LEFT JOIN unnest($1::text[], $2::timestamptz[]) AS own(camera, before) USING (camera)
			WHERE a.ended_at IS NOT NULL AND a.began_at < coalesce(own.before, $3) ORDER BY a.began_at, seq LIMIT $4))`, []any{names, limits, before(r.keep), stepRows}},
		{"alarm_deliveries", `DELETE FROM alarm_deliveries WHERE id = ANY(ARRAY(
			SELECT id FROM alarm_deliveries
			WHERE alarm_id IS NULL AND created_at < $1 AND coalesce(sent_at, dead_at) IS NOT NULL ORDER BY id LIMIT $2))`, []any{before(r.keep), stepRows}},
	} {
		began := time.Now()
		n, err := r.inSteps(ctx, func(tx pgx.Tx) (int64, error) {
			tag, err := tx.Exec(ctx, d.sql, d.args...)
			return tag.RowsAffected(), err
		})
		if err != nil {
			return fmt.Errorf("delete rows of %s: %w", d.table, err)
		}
		r.deleted(d.table, d.table, n, began)
	}
	return nil
}

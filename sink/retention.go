package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/internal/backoff"
)

// run deletes at once and every hour, until ctx ends.
func (r *retention) run(ctx context.Context) error {
	for {
		// Runs that are deleted by other sinks must not be remembered for ever.
		r.forget()
		next := retainEvery
		err := r.round(ctx, time.Now())
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errHeld):
			next = retainAgain
		case err != nil && !errors.Is(err, errElsewhere):
			r.log.Warn("cannot delete old rows; trying again", "in", retainAgain.String(), "err", err, "sqlstate", sqlstate(err))
			next = retainAgain
		}
		if backoff.Sleep(ctx, next) != nil {
			return nil
		}
	}
}

// rowTables: tracks and visits come before the totals that tell whether a record of
// them was counted.
var rowTables = []rowTable{
	{"crossings", "captured_at", "captured_at", func(k Keep) time.Duration { return k.Crossings }},
	{"crossing_minutes", "minute", "minute", func(k Keep) time.Duration { return k.Crossings }},
	{"snapshots", "captured_at", "captured_at", func(k Keep) time.Duration { return k.Snapshots }},
	{"crossing_half_hours", "half_hour", "half_hour", func(k Keep) time.Duration { return k.Crossings }},
	{"tracks", "first_at", "last_at", func(k Keep) time.Duration { return k.Tracks }},
	{"visits", "entered_at", "left_at", func(k Keep) time.Duration { return k.Visits }},
	{"zone_minutes", "minute", "minute", func(k Keep) time.Duration { return k.Totals }},
	{"camera_half_hours", "half_hour", "half_hour", func(k Keep) time.Duration { return k.Totals }},
	{"camera_minutes", "minute", "minute", func(k Keep) time.Duration { return k.Totals }},
}

// round deletes what is too old at now. A day that cannot be dropped does not keep the
// other tables waiting.
func (r *retention) round(ctx context.Context, now time.Time) error {
	cameras, err := r.readCameras(ctx)
	if err != nil {
		return err
	}
	held := r.sightings(ctx, limitsOf(cameras, now, keepSightings), now)
	if held != nil && !errors.Is(held, errHeld) {
		return held
	}
	for _, t := range rowTables {
		if err := r.deleteRows(ctx, t.name, t, limitsOf(cameras, now, t.keep)); err != nil {
			return err
		}
	}
	if err := r.deleteSnapshotsBeyond(ctx); err != nil {
		return err
	}
	if err := r.deleteAlarms(ctx, now); err != nil {
		return err
	}
	if err := r.deleteBatches(ctx, cameras, now); err != nil {
		return err
	}
	return errors.Join(held, r.deleteRuns(ctx, cameras, now))
}

// readCameras returns what each camera of the tables has, if anything of it ends.
func (r *retention) readCameras(ctx context.Context) (map[int32]Keep, error) {
	rows, err := r.pool.Query(ctx, "SELECT id, name FROM cameras")
	if err != nil {
		return nil, err
	}
	cameras := make(map[int32]Keep)
	var id int32
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		k, own := r.cameras[name]
		if !own {
			k = r.keep
		}
		cameras[id] = k.complete()
		return nil
	})
	return cameras, err
}

// deleteBatches deletes the times of transactions of which no sighting is left: those
// from before the longest time of the sightings and before the runs of recent files.
func (r *retention) deleteBatches(ctx context.Context, cameras map[int32]Keep, now time.Time) error {
	var longest time.Duration
	for _, k := range cameras {
		longest = max(longest, k.Sightings)
	}
	if len(cameras) == 0 || longest == forever {
		return nil
	}
	began := time.Now()
	n, err := r.inSteps(ctx, func(tx pgx.Tx) (int64, error) {
		tag, err := tx.Exec(ctx, `DELETE FROM batches WHERE batch_id IN (
			SELECT batch_id FROM (SELECT batch_id, committed_at FROM batches ORDER BY batch_id LIMIT $1) b
			WHERE committed_at < least($2, (SELECT min(coalesce(started_at, '-infinity')) FROM runs WHERE id IN (`+recentFiles+`))))`,
			stepRows, now.Add(-longest-day))
		return tag.RowsAffected(), err
	})
	if err != nil {
		return fmt.Errorf("delete rows of batches: %w", err)
	}
	r.deleted("batches", "batches", n, began)
	return nil
}

// deleteRuns deletes runs that ended before the longest time of their camera and of
// which no row is left. Their classes follow. Cameras and sets of zones stay.
func (r *retention) deleteRuns(ctx context.Context, cameras map[int32]Keep, now time.Time) error {
	const sql = `DELETE FROM runs WHERE id = ANY(ARRAY(SELECT r.id FROM runs r
		WHERE r.camera_id = ANY($1) AND r.finished_at < $2
		  AND r.id NOT IN (SELECT run_id FROM crossings) AND r.id NOT IN (SELECT run_id FROM latest_sightings)
		  AND (SELECT 1 FROM tracks t WHERE t.run_id = r.id LIMIT 1) IS NULL
		  AND (SELECT 1 FROM snapshots n WHERE n.run_id = r.id LIMIT 1) IS NULL
		  AND (SELECT 1 FROM visits v WHERE v.run_id = r.id LIMIT 1) IS NULL
		  AND (SELECT 1 FROM crossing_minutes m WHERE m.camera_id = r.camera_id AND m.run_id = r.id LIMIT 1) IS NULL
		  AND (SELECT 1 FROM camera_minutes m WHERE m.camera_id = r.camera_id AND m.run_id = r.id LIMIT 1) IS NULL
		  AND (SELECT 1 FROM sightings s WHERE s.camera_id = r.camera_id AND s.run_id = r.id LIMIT 1) IS NULL
		LIMIT $3 FOR UPDATE SKIP LOCKED))`
	began, total := time.Now(), int64(0)
	for _, g := range limitsOf(cameras, now, Keep.longest).groups() {
		n, err := r.inSteps(ctx, func(tx pgx.Tx) (int64, error) {
			tag, err := tx.Exec(ctx, sql, g.cameras, g.before, stepRows)
			return tag.RowsAffected(), err
		})
		total += n
		if err != nil {
			return fmt.Errorf("delete runs: %w", err)
		}
	}
	if total > 0 {
		r.forget()
	}
	r.deleted("runs", "runs", total, began)
	return nil
}

package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// retention deletes the rows that are older than Config.Keep says: days of sightings by
// dropping their partitions, other rows in small transactions. Each transaction asks for
// an advisory lock, which ends with it, so that one sink of any number does the work; a
// sink that does not get it leaves the rest to the one that has. Every step stands
// alone: the next round continues after a crash between any two.
type retention struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	metrics *metrics
	keep    Keep
	cameras map[string]Keep
	space   int64                                            // Config.SnapshotSpace
	forget  func()                                           // clears the caches of keys and days
	pause   func(ctx context.Context, d time.Duration) error // between steps
}

// The intervals of rounds, and of the tries to drop a day that somebody reads.
const (
	retainEvery = time.Hour
	retainAgain = 5 * time.Minute
)

// retainLock is the advisory lock of a step.
const retainLock = 7303014601517301108

// stepRows bounds the rows that one transaction deletes.
const stepRows = 5000

var (
	errElsewhere = errors.New("another sink deletes at the moment")
	errHeld      = errors.New("somebody reads or writes the table for long")
)

// rowTable is a table whose rows are deleted one by one.
type rowTable struct {
	name        string
	first, last string // columns: a row's first and last time
	keep        func(Keep) time.Duration
}

func keepSightings(k Keep) time.Duration { return k.Sightings }

// sightingRows describes the rows of the default partition and of days that are not
// dropped yet.
var sightingRows = rowTable{"sightings", "captured_at", "captured_at", keepSightings}

// step runs do in a transaction that has the lock. Its commit does not wait for the
// disk: after a crash the next round does it again.
func (r *retention) step(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		var ours bool
		err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1) FROM set_config('synchronous_commit', 'off', true)`, int64(retainLock)).Scan(&ours)
		if err == nil && !ours {
			err = errElsewhere
		}
		if err != nil {
			return err
		}
		return do(tx)
	})
}

// The runs r of files, and when they ended. A run that has not ended, and has a later run
// of its camera, ended when that began.
const (
	isFile = `r.source_kind NOT IN ('webcam', 'stream')`
	ended  = `coalesce(r.finished_at, (SELECT min(n.started_at) FROM runs n WHERE n.camera_id = r.camera_id AND n.id > r.id), 'infinity')`
)

// recentFiles selects the runs of files that ended at or after $2, or have not ended.
const recentFiles = `SELECT r.id FROM runs r WHERE ` + isFile + ` AND ` + ended + ` >= $2`

// deleteRows deletes rows of a table, in steps. The table may be a partition of the
// one that is described. A row that somebody has locked is left to the next round, so
// that the deletion waits for nobody, and nobody for more than a step.
func (r *retention) deleteRows(ctx context.Context, name string, t rowTable, l limits) error {
	sql := fmt.Sprintf(`DELETE FROM %[1]s WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM %[1]s WHERE camera_id = ANY($1) AND %[2]s < $2 AND %[3]s < $2 AND run_id NOT IN (%[4]s)
		LIMIT $3 FOR UPDATE SKIP LOCKED))`, pgx.Identifier{name}.Sanitize(), t.first, t.last, recentFiles)
	began, total := time.Now(), int64(0)
	for _, g := range l.groups() {
		n, err := r.inSteps(ctx, func(tx pgx.Tx) (int64, error) {
			tag, err := tx.Exec(ctx, sql, g.cameras, g.before, stepRows)
			if err == nil && tag.RowsAffected() > 0 && t.name == sightingRows.name {
				err = markIncomplete(ctx, tx, g.cameras, g.before)
			}
			return tag.RowsAffected(), err
		})
		total += n
		if err != nil {
			return fmt.Errorf("delete rows of %s: %w", name, err)
		}
	}
	r.deleted(name, t.name, total, began)
	return nil
}

// inSteps calls do in a transaction each until it deletes fewer rows than it may. The
// pauses are as long as the steps.
func (r *retention) inSteps(ctx context.Context, do func(tx pgx.Tx) (int64, error)) (total int64, err error) {
	for {
		began := time.Now()
		var n int64
		err = r.step(ctx, func(tx pgx.Tx) (err error) {
			n, err = do(tx)
			return err
		})
		if err != nil {
			return total, err
		}
		if total += n; n < stepRows {
			return total, nil
		}
		if err := r.pause(ctx, min(time.Since(began), time.Second)); err != nil {
			return total, err
		}
	}
}

// deleted logs and counts deleted rows.
func (r *retention) deleted(name, table string, rows int64, began time.Time) {
	if rows == 0 {
		return
	}
	r.metrics.deleted.WithLabelValues(table).Add(float64(rows))
	r.log.Info("deleted rows that are older than --keep", "table", name, "rows", rows, "took", time.Since(began).Round(time.Millisecond))
}

// markIncomplete records that sightings from before a time may be missing. Rows that
// are missing are neither computed into the totals again (sightlog_rebuild), nor counted
// a second time when the log is read again.
func markIncomplete(ctx context.Context, tx pgx.Tx, cameras []int32, before time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE cameras SET complete_from = $2 WHERE id = ANY($1) AND complete_from < $2", cameras, before)
	return err
}

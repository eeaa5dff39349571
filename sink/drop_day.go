package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// dayPartition is the partition of a day.
type dayPartition struct {
	name  string
	start time.Time
	rows  int64 // about; 0 before the table was analysed
	bytes int64
}

func (d dayPartition) end() time.Time { return d.start.Add(day) }

// sightings drops the days that no camera needs any more. Of the others, and of the
// default partition, it deletes the rows of cameras that do not.
func (r *retention) sightings(ctx context.Context, l limits, now time.Time) error {
	if len(l) == 0 {
		return nil
	}
	days, err := r.readDays(ctx)
	if err != nil {
		return err
	}
	whole := l.wholeDays(now)
	var held error
	for _, d := range days {
		dropped, err := r.dropDay(ctx, d, l.pastDay(d.end()))
		if errors.Is(err, errHeld) {
			held = err
			continue
		}
		if err != nil {
			return err
		}
		if !dropped {
			if err := r.deleteRows(ctx, d.name, sightingRows, after(whole, d.start)); err != nil {
				return err
			}
		}
	}
	return errors.Join(held, r.deleteRows(ctx, "sightings_default", sightingRows, l))
}

// after returns the limits later than t.
func after(l limits, t time.Time) limits {
	return l.pastDay(t.Add(time.Microsecond))
}

// readDays returns the partitions of days, the oldest first. Those of other names are
// not the sink's.
func (r *retention) readDays(ctx context.Context) ([]dayPartition, error) {
	rows, err := r.pool.Query(ctx, `SELECT c.relname, right(c.relname, 8), greatest(c.reltuples, 0)::bigint, coalesce(pg_total_relation_size(c.oid), 0) -- null: dropped just now
		FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'sightings'::regclass AND c.relname ~ '^sightings_\d{8}$' ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	var days []dayPartition
	var d dayPartition
	var date string
	_, err = pgx.ForEachRow(rows, []any{&d.name, &date, &d.rows, &d.bytes}, func() (err error) {
		if d.start, err = time.Parse("20060102", date); err != nil {
			return fmt.Errorf("partition %s: %w", d.name, err)
		}
		days = append(days, d)
		return nil
	})
	return days, err
}

// dropTries bounds the tries to lock the day and the table. Everybody who uses them
// queues behind a try, so each waits for a short time only: for the day longer than
// deadlock_timeout (1 s), after which autovacuum ends for it.
const (
	dropTries = 3
	dayWait   = "1300ms"
	tableWait = "250ms"
)

// dropDay drops a day's partition if no rows are in it but those of past: cameras that
// do not need the day, with their limits.
//
// DETACH PARTITION CONCURRENTLY would not lock the table, but it cannot be used beside
// a default partition. A drop needs the strongest lock of the table and of its default
// partition, for as long as it takes to unlink the day: PostgreSQL removes the files
// after it has released the locks. The day itself is locked before, so that nobody who
// reads it, or autovacuum, is waited for while the table is locked.
func (r *retention) dropDay(ctx context.Context, d dayPartition, past limits) (dropped bool, err error) {
	if len(past) == 0 {
		return false, nil
	}
	for try := range dropTries {
		if try > 0 {
			if err := r.pause(ctx, time.Second); err != nil {
				return false, err
			}
		}
		began := time.Now()
		dropped, err = r.tryDrop(ctx, d, past)
		switch code := sqlstate(err); {
		case code == "55P03", code == "40P01": // lock_not_available, deadlock_detected
			continue
		case code == "42P01": // another sink dropped it
			return true, nil
		case err != nil:
			return false, fmt.Errorf("drop partition %s: %w", d.name, err)
		case dropped:
			r.forget()
			r.metrics.droppedDays.Inc()
			r.log.Info("dropped a day of sightings that is older than --keep", "day", d.start.Format(time.DateOnly),
				"rows", d.rows, "bytes", d.bytes, "took", time.Since(began).Round(time.Millisecond))
		}
		return dropped, nil
	}
	r.log.Warn("cannot drop a day of sightings while somebody reads or writes the table for long; trying again",
		"day", d.start.Format(time.DateOnly), "in", retainAgain.String())
	return false, errHeld
}

// heldBy reports whether a partition has rows of a camera that is not among $1, or of a
// recent file of one that is. Cameras are read again: one may be new.
const heldBy = `SELECT EXISTS (SELECT FROM cameras c WHERE c.id <> ALL($1::integer[])
		AND (SELECT 1 FROM %[1]s p WHERE p.camera_id = c.id LIMIT 1) IS NOT NULL)
	OR EXISTS (SELECT FROM unnest($1::integer[], $2::timestamptz[]) AS k(camera_id, before)
		CROSS JOIN LATERAL (SELECT FROM runs r WHERE r.camera_id = k.camera_id AND ` + isFile + `
			AND ` + ended + ` >= k.before
			AND (SELECT 1 FROM %[1]s p WHERE p.camera_id = r.camera_id AND p.run_id = r.id LIMIT 1) IS NOT NULL) f)`

// tryDrop looks before it locks, and looks again: a sighting that is to be kept may have
// been written in between.
func (r *retention) tryDrop(ctx context.Context, d dayPartition, past limits) (dropped bool, err error) {
	name := pgx.Identifier{d.name}.Sanitize()
	held := fmt.Sprintf(heldBy, name)
	cameras, before := past.columns()
	var is bool
	if err := r.pool.QueryRow(ctx, held, cameras, before).Scan(&is); err != nil || is {
		return false, err
	}
	err = r.step(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true)", dayWait); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "LOCK TABLE "+name+" IN ACCESS EXCLUSIVE MODE"); err != nil { // nobody writes it any more
			return err
		}
		if err := tx.QueryRow(ctx, held, cameras, before).Scan(&is); err != nil {
			return err
		}
		if is {
			return errKept // rolls back
		}
		if err := markIncomplete(ctx, tx, cameras, d.end()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true)", tableWait); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DROP TABLE "+name)
		return err
	})
	if errors.Is(err, errKept) {
		return false, nil
	}
	return err == nil, err
}

var errKept = errors.New("the day has rows that are kept")

package query

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// snapshot calls use with a read-only transaction in the filter's time zone, all statements
// of which see one state of the tables: so the figures of several fit together.
func (f Filter) snapshot(ctx context.Context, db *pgxpool.Pool, use func(pgx.Tx) error) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := f.CheckExists(ctx, db); err != nil {
		return err
	}
	schema, err := f.recountSchema(ctx, db)
	if err != nil {
		return err
	}
	tz := f.TZ
	if tz == "" {
		tz = "UTC"
	}
	tx, err := db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	// The transaction is read-only: neither a rollback nor its failure loses anything.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, session, pgx.QueryExecModeExec, tz, schema); err != nil {
		return asked(ctx, fmt.Errorf("ask the database: %w", err))
	}
	return asked(ctx, use(tx))
}

// snapshotOfTracks is snapshot for what has pictures and a path by its track: a recount that tracked
// anew has neither.
func (f Filter) snapshotOfTracks(ctx context.Context, db *pgxpool.Pool, use func(pgx.Tx) error) error {
	return f.snapshot(ctx, db, func(tx pgx.Tx) error {
		var own bool
		if f.Recount > 0 {
			if err := tx.QueryRow(ctx, "SELECT score IS NOT NULL FROM recounts WHERE id = $1", f.Recount).Scan(&own); err != nil {
				return fmt.Errorf("ask the database: %w", err)
			}
		}
		if own {
			return usage.New("ask without it", "--recount %d has tracks of its own, without pictures and paths", f.Recount)
		}
		return use(tx)
	})
}

// each runs a statement and scans its rows into targets, calling use for each.
func each(ctx context.Context, tx pgx.Tx, sql string, args []any, targets []any, use func() error) error {
	rows, err := tx.Query(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, targets, use)
	}
	if err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	return nil
}

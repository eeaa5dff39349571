package query

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// snapshot calls use with a read-only transaction in the filter's time zone, all statements
// of which see one state of the tables: so the figures of several fit together.
func (f Filter) snapshot(ctx context.Context, db *pgxpool.Pool, use func(pgx.Tx) error) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := f.checkExists(ctx, db); err != nil {
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
	if _, err := tx.Exec(ctx, session, pgx.QueryExecModeExec, tz, ""); err != nil {
		return asked(ctx, fmt.Errorf("ask the database: %w", err))
	}
	return asked(ctx, use(tx))
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

package migrations

import (
	"context"
	"embed"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/tern/v2/migrate"

	"github.com/sightlog/sightlog/usage"
)

// Files are the migrations.
//
//go:embed *.sql
var Files embed.FS

// VersionTable holds the number of the last migration that was applied.
const VersionTable = "sightlog_version"

// lock is the advisory lock that one Up holds against the others. tern's own
// is per step; this one spans the check and the steps.
const lock = 7_303_014_601_517_301_106

// Up brings the database to the newest schema, step by step, each in its own
// transaction. Several may start at once: they take turns. A database that a
// newer sightlog made is a *usage.Error, and is not touched.
func Up(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(lock)); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(lock)); err != nil {
			_ = conn.Conn().Close(ctx) // the lock goes with the session
		}
	}()
	if err := up(ctx, conn.Conn(), log); err != nil {
		return err
	}
	return nil
}

func up(ctx context.Context, conn *pgx.Conn, log *slog.Logger) error {
	m, err := migrate.NewMigrator(ctx, conn, VersionTable)
	if err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	if err := m.LoadMigrations(Files); err != nil {
		return fmt.Errorf("migrate database: load migrations: %w", err)
	}
	have, err := m.GetCurrentVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrate database: read version: %w", err)
	}
	if newest := int32(len(m.Migrations)); have > newest {
		return usage.New("use the newer sightlog, or another database",
			"the database has schema %d, made by a newer sightlog; this one knows up to %d", have, newest)
	}
	m.OnStart = func(n int32, name, direction, _ string) {
		log.Info("migrating the database", "step", n, "name", name, "direction", direction)
	}
	if err := m.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

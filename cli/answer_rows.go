package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/query"
)

// answerRows writes the rows of a statement.
func answerRows(ctx context.Context, env *Env, data config.Data, db config.Database, format string, columns []string, sql string, args ...any) (err error) {
	pool, done, err := database.Open(ctx, data, db, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	rows, err := pool.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	t := &query.Table{Columns: columns}
	if t.Rows, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() }); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	out := openAnswer(env.Stdout)
	return out.done(t.Write(out, format))
}

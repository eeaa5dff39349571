package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/query"
)

// stored is a statement whose rows are an answer.
type stored struct {
	config.Data
	config.Database
	format  string
	columns []string
	sql     string
	args    []any
	check   func(context.Context, *pgxpool.Pool) error // whether the names of the question are there
}

// answer writes the rows.
func (s stored) answer(ctx context.Context, env *Env) (err error) {
	pool, done, err := database.Open(ctx, s.Data, s.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := s.check(ctx, pool); err != nil {
		return err
	}
	rows, err := pool.Query(ctx, s.sql, s.args...)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	t := &query.Table{Columns: s.columns}
	if t.Rows, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() }); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	out := openAnswer(env.Stdout)
	return out.done(t.Write(out, s.format))
}

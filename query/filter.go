package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Filter narrows a query. Its zero value does not narrow it.
type Filter struct {
	Camera string
	Run    string
	Since  time.Time // of captured_at, inclusive
	Until  time.Time // of captured_at, exclusive
}

// where returns the filter as SQL on a table s with their columns, and its
// arguments.
func (f Filter) where() (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	if f.Camera != "" {
		add("s.camera_id = (SELECT id FROM cameras WHERE name = $%d)", f.Camera)
	}
	if f.Run != "" {
		add("s.run_id IN (SELECT id FROM runs WHERE run = $%d)", f.Run)
	}
	if !f.Since.IsZero() {
		add("s.captured_at >= $%d", f.Since)
	}
	if !f.Until.IsZero() {
		add("s.captured_at < $%d", f.Until)
	}
	if len(conds) == 0 {
		return "true", nil
	}
	return strings.Join(conds, " AND "), args
}

// checkExists returns a *usage.Error if the camera or the run of the filter is not in
// the database, so that an empty answer means that nothing was detected.
func (f Filter) checkExists(ctx context.Context, db *pgxpool.Pool) error {
	for _, q := range []struct{ name, value, all string }{
		{"--camera", f.Camera, "SELECT name FROM cameras ORDER BY 1 LIMIT 20"},
		{"--run", f.Run, "SELECT run FROM runs ORDER BY id DESC LIMIT 20"},
	} {
		if q.value == "" {
			continue
		}
		table, column := "cameras", "name"
		if q.name == "--run" {
			table, column = "runs", "run"
		}
		var there bool
		if err := db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+" WHERE "+column+" = $1)", q.value).Scan(&there); err != nil {
			return fmt.Errorf("ask the database: %w", err)
		}
		if there {
			continue
		}
		rows, err := db.Query(ctx, q.all)
		if err != nil {
			return fmt.Errorf("ask the database: %w", err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("ask the database: %w", err)
		}
		fix := "there is none yet"
		if len(names) > 0 {
			fix = "there is " + strings.Join(names, ", ")
		}
		return usage.New(fix, "%s %q is not in the database", q.name, q.value)
	}
	return nil
}

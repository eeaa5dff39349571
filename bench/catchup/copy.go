package catchup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// tables are those that a backlog's rows go to, the totals among them. What they refer to
// (cameras, runs, zones) stays from round to round.
var tables = []string{"sightings", "batches", "camera_minutes", "camera_half_hours", "zone_minutes", "tracks", "visits", "latest_sightings"}

// empty empties the tables and has the next sink begin at the log's beginning.
func (r *run) empty(ctx context.Context) error {
	for _, table := range append([]string{"sink_offsets"}, tables...) {
		if _, err := r.Pool.Exec(ctx, "TRUNCATE "+pgx.Identifier{table}.Sanitize()); err != nil {
			return fmt.Errorf("empty the tables: %w", err)
		}
	}
	return r.settle(ctx)
}

func (r *run) file(table string) string { return filepath.Join(r.Dir, table+".copy") }

// unload writes the tables' rows into files.
func (r *run) unload(ctx context.Context) error {
	return r.onSession(ctx, func(conn *pgx.Conn) error {
		for _, table := range tables {
			f, err := os.Create(r.file(table))
			if err != nil {
				return fmt.Errorf("write the rows for COPY: %w", err)
			}
			_, err = conn.PgConn().CopyTo(ctx, f, "COPY (SELECT * FROM "+pgx.Identifier{table}.Sanitize()+") TO STDOUT")
			if err := errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("write the rows for COPY: %w", err)
			}
		}
		return nil
	})
}

// load brings the files' rows into the empty tables, as \copy of psql does: over one
// connection, a transaction for each table.
func (r *run) load(ctx context.Context) (took, server time.Duration, err error) {
	err = r.onSession(ctx, func(conn *pgx.Conn) error {
		before, err := r.server()
		if err != nil {
			return err
		}
		began := time.Now()
		for _, table := range tables {
			f, err := os.Open(r.file(table))
			if err != nil {
				return fmt.Errorf("COPY: %w", err)
			}
			_, err = conn.PgConn().CopyFrom(ctx, f, "COPY "+pgx.Identifier{table}.Sanitize()+" FROM STDIN")
			if err := errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("COPY: %w", err)
			}
		}
		took = time.Since(began)
		after, err := r.server() // while the session is there
		server = after - before
		return err
	})
	return took, server, err
}

// onSession runs f with a session of its own.
func (r *run) onSession(ctx context.Context, f func(*pgx.Conn) error) (err error) {
	conn, err := pgx.ConnectConfig(ctx, r.Pool.Config().ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return f(conn)
}

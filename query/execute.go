package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Answer runs the query in a read-only transaction and writes its rows to w in one of
// Formats as they come: at most the first thousand are in memory (of parquet, a row group).
// It has no time limit; it ends with ctx, or by the role's statement_timeout. An error in
// a user's own statement is a *usage.Error with its line and column.
func (q Question) Answer(ctx context.Context, db *pgxpool.Pool, w io.Writer, format string) error {
	out, err := newOutput(w, format)
	if err != nil {
		return err
	}
	p, err := q.prepare(ctx, db)
	if err == nil {
		err = ask(ctx, db, p, func(rows pgx.Rows) error {
			_, _, err := copyRows(rows, out, 0)
			return err
		})
	}
	if q.own != "" {
		err = userError(err, q.own)
	}
	return changed(asked(ctx, err))
}

// changed explains that the tables are not as a report needs them: they are of another version, or somebody
// has changed them.
func changed(err error) error {
	var pg *pgconn.PgError
	switch {
	case !errors.As(err, &pg) || usage.Is(err):
		return err
	case pg.Code == "42501":
		return usage.Wrap(err, "have the owner of the tables GRANT SELECT on them to the role, or ask as another role", "the database: %s", pg.Message)
	case strings.HasPrefix(pg.Code, "42"):
		return usage.Wrap(err, "change them back; if they are of an older version, run sightlogd migrate", "the tables are not those of this sightlog: %s", pg.Message)
	}
	return err
}

// Follow runs the report again and again, every so often, and writes each row that the
// answer before did not have, until ctx ends: then the answer is complete, and the error
// nil.
func (q Question) Follow(ctx context.Context, db *pgxpool.Pool, w io.Writer, format string, every time.Duration) error {
	out, err := newOutput(w, format)
	if err != nil {
		return err
	}
	p, err := q.prepare(ctx, db)
	tick := time.NewTicker(every)
	defer tick.Stop()
	before := make(map[string]bool)
	for first := true; err == nil; first = false {
		if err = ask(ctx, db, p, func(rows pgx.Rows) (err error) {
			before, err = copyNew(rows, out, before, first)
			return err
		}); err != nil {
			break
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-tick.C:
		}
	}
	if err = changed(asked(ctx, err)); ctx.Err() == nil {
		return err
	}
	return written(out.end())
}

// prepared is a statement with its arguments, the time zone that it is run in, and the
// schema that is searched before the others; "" for none.
type prepared struct {
	sql    string
	args   []any
	tz     string
	schema string
	names  []string // of the cameras, in their order
}

// prepare checks the question and its filter.
func (q Question) prepare(ctx context.Context, db *pgxpool.Pool) (p prepared, err error) {
	if q.sql == nil {
		return prepared{sql: q.own, tz: "UTC"}, checkReadOnly(q.own)
	}
	if err := q.filter.check(); err != nil {
		return p, err
	}
	if err := q.filter.CheckExists(ctx, db); err != nil {
		return p, err
	}
	if p.schema, err = q.filter.recountSchema(ctx, db); err != nil {
		return p, err
	}
	s := &statement{Filter: q.filter}
	if s.names, err = cameraNames(ctx, db); err != nil {
		return p, err
	}
	p.sql = q.sql(s)
	p.args, p.tz, p.names = s.args, s.TZ, s.names
	if p.tz == "" {
		p.tz = "UTC"
	}
	return p, nil
}

// asked is the error of a query: if ctx has ended, its cause. The server's word for it is
// "canceling statement due to user request". A server's own limit is a *usage.Error.
func asked(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("ask the database: %w", context.Cause(ctx))
	case errors.As(err, &pg) && pg.Code == "57014" && !usage.Is(err):
		return usage.Wrap(err, "ask for less (--since, --camera, a longer --bucket), or have the role's statement_timeout raised", "the database: %s", pg.Message)
	}
	return err
}

// written is the error of writing an answer.
func written(err error) error {
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// session has the settings of each transaction. A server that supports it (PostgreSQL 14,
// on Linux) ends a statement whose client has gone.
// Of questions as short as these, compiling (jit) takes longer than the answer: tables that were never
// analysed look large to the planner.
const session = `
SELECT set_config('timezone', $1, true), set_config('datestyle', 'ISO', true), set_config('jit', 'off', true),
       set_config('search_path', concat_ws(', ', nullif($2, ''), current_setting('search_path')), true),
       (SELECT set_config(name, '5s', true) FROM pg_settings WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%')`

// ask runs one statement read-only and calls use with its rows.
func ask(ctx context.Context, db *pgxpool.Pool, p prepared, use func(pgx.Rows) error) (err error) {
	tx, err := db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	// The transaction is read-only: neither a rollback nor its failure loses anything.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, session, pgx.QueryExecModeExec, p.tz, p.schema); err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	// Text, as PostgreSQL writes it, whatever the types. The extended protocol
	// takes one statement only.
	all := append([]any{pgx.QueryExecModeExec, pgx.QueryResultFormats{pgx.TextFormatCode}}, p.args...)
	ctx, cancel := context.WithCancel(ctx)
	rows, err := tx.Query(ctx, p.sql, all...)
	if err != nil {
		cancel()
		return fmt.Errorf("ask the database: %w", err)
	}
	// Deferred calls run in reverse order: cancel stops the statement in the server, so
	// that Close does not read to the last row.
	defer rows.Close()
	defer cancel()
	return use(rows)
}

// columnsOf returns the columns of an answer.
func columnsOf(rows pgx.Rows) []column {
	fields := rows.FieldDescriptions()
	columns := make([]column, len(fields))
	for i, f := range fields {
		columns[i] = column{f.Name, f.DataTypeOID}
	}
	return columns
}

// cells sets row to the cells of the current row.
func cells(rows pgx.Rows, columns []column, row []any) {
	for i, raw := range rows.RawValues() {
		row[i] = cell(columns[i].oid, raw)
	}
}

// copyRows writes the rows as they come, at most so many; 0: all. It returns the last that
// it wrote, and whether there are more. A statement that fails before its first row writes
// nothing.
func copyRows(rows pgx.Rows, out *output, most int) (last []any, more bool, err error) {
	columns := columnsOf(rows)
	row := make([]any, len(columns))
	for n := 0; rows.Next(); n++ {
		if n == 0 {
			if err := written(out.head(columns)); err != nil {
				return nil, false, err
			}
		}
		if more = most > 0 && n == most; more {
			break
		}
		cells(rows, columns, row)
		if err := written(out.row(row)); err != nil {
			return nil, false, err
		}
		last = row
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("ask the database: %w", err)
	}
	if last == nil {
		if err := written(out.head(columns)); err != nil {
			return nil, false, err
		}
	}
	return last, more, written(out.end())
}

// copyNew writes the rows that are not among those before, and returns all of them.
func copyNew(rows pgx.Rows, out *output, before map[string]bool, first bool) (map[string]bool, error) {
	columns := columnsOf(rows)
	if first {
		if err := written(out.head(columns)); err != nil {
			return nil, err
		}
	}
	all := make(map[string]bool)
	for rows.Next() {
		row := make([]any, len(columns))
		cells(rows, columns, row)
		key := fmt.Sprintf("%q", row)
		all[key] = true
		if before[key] {
			continue
		}
		if err := written(out.row(row)); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	return all, written(out.flush())
}

// cell converts a value's text to a cell of a Table.
func cell(oid uint32, raw []byte) any {
	if raw == nil {
		return nil
	}
	s := string(raw)
	switch oid {
	case pgtype.BoolOID:
		return s == "t"
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID:
		return json.Number(s)
	case pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID:
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return json.Number(s)
		}
	case pgtype.JSONOID, pgtype.JSONBOID:
		return json.RawMessage(s)
	case pgtype.TimestamptzOID:
		for _, offset := range []string{"-07", "-07:00"} { // one with seconds is older than the format
			if at, err := time.Parse("2006-01-02 15:04:05.999999"+offset, s); err == nil {
				return at.Format("2006-01-02T15:04:05.999999Z07:00")
			}
		}
	case pgtype.TimestampOID:
		if at, err := time.Parse("2006-01-02 15:04:05.999999", s); err == nil {
			return at.Format("2006-01-02T15:04:05.999999")
		}
	}
	return s
}

// userError turns the database's error about a user's statement into a *usage.Error, and
// returns other errors unchanged.
func userError(err error, statement string) error {
	var pg *pgconn.PgError
	if err == nil || !errors.As(err, &pg) {
		return err
	}
	what := pg.Message
	if pg.Position > 0 {
		line, column := lineColumn(statement, int(pg.Position))
		what = fmt.Sprintf("line %d, column %d: %s", line, column, what)
	}
	switch {
	case pg.Code == "25006":
		return usage.Wrap(err, "only queries are run here; to change data use psql", "SQL: %s", what)
	case pg.Code == "57014":
		return usage.Wrap(err, "ask for less, or have the server's limit raised", "SQL: %s", what)
	case pg.Code == "42601" && strings.Contains(pg.Message, "multiple commands"):
		return usage.Wrap(err, "give one statement", "SQL: %s", what)
	case strings.HasPrefix(pg.Code, "42"), strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "21"),
		strings.HasPrefix(pg.Code, "0A"),
		strings.HasPrefix(pg.Code, "25"), strings.HasPrefix(pg.Code, "2B"), strings.HasPrefix(pg.Code, "3D"),
		strings.HasPrefix(pg.Code, "3F"), strings.HasPrefix(pg.Code, "54"):
		fix := pg.Hint
		if fix == "" && pg.Code == "42P01" {
			fix = "the views are v_sightings, v_detections, v_crossings, v_minutes, v_zone_minutes, v_crossing_minutes, v_balance, v_tracks and v_visits, the tables cameras, runs, classes, batches, latest_sightings and those of which the views are"
		}
		return usage.Wrap(err, fix, "SQL: %s", what)
	}
	return err
}

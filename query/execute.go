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
// Formats as they come: at most the first thousand are in memory. It has no time limit;
// it ends with ctx, or by the role's statement_timeout. An error in a user's own statement
// is a *usage.Error with its line and column.
func (q Question) Answer(ctx context.Context, db *pgxpool.Pool, w io.Writer, format string) (err error) {
	defer func() {
		if err != nil && ctx.Err() != nil { // the server's word for it is "canceling statement due to user request"
			err = fmt.Errorf("ask the database: %w", context.Cause(ctx))
		}
	}()
	out, err := newOutput(w, format)
	if err != nil {
		return err
	}
	if q.own {
		if err := checkReadOnly(q.sql); err != nil {
			return err
		}
		return userError(ask(ctx, db, out, q.sql), q.sql)
	}
	if err := q.filter.checkExists(ctx, db); err != nil {
		return err
	}
	where, args := q.filter.where()
	return ask(ctx, db, out, strings.ReplaceAll(q.sql, "{where}", where), args...)
}

// session has the settings of each transaction. A server that supports it (PostgreSQL 14,
// on Linux) ends a statement whose client has gone.
const session = `
SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),
       (SELECT set_config(name, '5s', true) FROM pg_settings WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%')`

// ask runs one statement read-only and writes its rows to out.
func ask(ctx context.Context, db *pgxpool.Pool, out *output, sql string, args ...any) (err error) {
	tx, err := db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	// The transaction is read-only: neither a rollback nor its failure loses anything.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, session); err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	// Text, as PostgreSQL writes it, whatever the types. The extended protocol
	// takes one statement only.
	all := append([]any{pgx.QueryExecModeExec, pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)
	ctx, cancel := context.WithCancel(ctx)
	rows, err := tx.Query(ctx, sql, all...)
	if err != nil {
		cancel()
		return fmt.Errorf("ask the database: %w", err)
	}
	// Deferred calls run in reverse order: cancel stops the statement in the server, so
	// that Close does not read to the last row.
	defer rows.Close()
	defer cancel()
	if err := copyRows(rows, out); err != nil {
		return err
	}
	if err := out.end(); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// copyRows writes the rows as they come.
func copyRows(rows pgx.Rows, out *output) error {
	fields := rows.FieldDescriptions()
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = f.Name
	}
	row := make([]any, len(fields))
	first := true
	for rows.Next() {
		if first {
			if err := out.head(columns); err != nil {
				return fmt.Errorf("write the answer: %w", err)
			}
			first = false
		}
		for i, raw := range rows.RawValues() {
			row[i] = cell(fields[i].DataTypeOID, raw)
		}
		if err := out.row(row); err != nil {
			return fmt.Errorf("write the answer: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	if first { // a statement that fails before its first row writes nothing
		if err := out.head(columns); err != nil {
			return fmt.Errorf("write the answer: %w", err)
		}
	}
	return nil
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
		if at, err := time.Parse("2006-01-02 15:04:05.999999-07", s); err == nil {
			return at.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
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
			fix = "the tables are sightings, detections, crossings, cameras, runs and batches, the views v_sightings, v_detections and v_crossings"
		}
		return usage.Wrap(err, fix, "SQL: %s", what)
	}
	return err
}

// lineColumn converts a position in characters, from 1, to line and column.
func lineColumn(statement string, position int) (line, column int) {
	line, column = 1, 1
	for _, r := range statement {
		if position--; position == 0 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}

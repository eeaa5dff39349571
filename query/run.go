package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// Limits of one question.
const (
	Timeout = 30 * time.Second
	MaxRows = 1_000_000
)

// SQL answers one statement of a person's, in a read-only transaction that
// ends after Timeout. What is wrong with the statement is a *usage.Error with
// the place in it.
func SQL(ctx context.Context, db *pgxpool.Pool, statement string) (*Table, error) {
	if strings.TrimSpace(statement) == "" {
		return nil, usage.New("write a SELECT", "the SQL is empty")
	}
	t, err := ask(ctx, db, statement)
	return t, personal(err, statement)
}

// ask runs one statement read-only and reads its answer.
func ask(ctx context.Context, db *pgxpool.Pool, sql string, args ...any) (t *Table, err error) {
	tx, err := db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	// Read-only: there is nothing to lose in a rollback, nor in its failure.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "SELECT set_config('statement_timeout', $1, true), set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true)",
		strconv.FormatInt(Timeout.Milliseconds(), 10)); err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	// Text, as PostgreSQL writes it, whatever the types. The extended protocol
	// takes one statement only.
	all := append([]any{pgx.QueryExecModeExec, pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)
	rows, err := tx.Query(ctx, sql, all...)
	if err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	defer rows.Close()
	t = &Table{Columns: []string{}, Rows: [][]any{}}
	for _, f := range rows.FieldDescriptions() {
		t.Columns = append(t.Columns, f.Name)
	}
	for rows.Next() {
		if len(t.Rows) == MaxRows {
			return nil, usage.New("add a LIMIT, or use psql", "the answer has more than %d rows", MaxRows)
		}
		raw := rows.RawValues()
		row := make([]any, len(raw))
		for i, f := range rows.FieldDescriptions() {
			row[i] = cell(f.DataTypeOID, raw[i])
		}
		t.Rows = append(t.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	return t, nil
}

// cell turns a value's text into what a Table holds.
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

// personal turns the database's complaint about a person's statement into a
// *usage.Error, and leaves other errors as they are.
func personal(err error, statement string) error {
	var pg *pgconn.PgError
	if err == nil || !errors.As(err, &pg) {
		return err
	}
	what := pg.Message
	if pg.Position > 0 {
		line, column := place(statement, int(pg.Position))
		what = fmt.Sprintf("line %d, column %d: %s", line, column, what)
	}
	switch {
	case pg.Code == "25006":
		return usage.Wrap(err, "only questions are answered here; to change data use psql", "SQL: %s", what)
	case pg.Code == "57014":
		return usage.Wrap(err, "ask for less, or use psql", "SQL: no answer within %s", Timeout)
	case pg.Code == "42601" && strings.Contains(pg.Message, "multiple commands"):
		return usage.Wrap(err, "give one statement", "SQL: %s", what)
	case strings.HasPrefix(pg.Code, "42"), strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "0A"),
		strings.HasPrefix(pg.Code, "25"), strings.HasPrefix(pg.Code, "2B"), strings.HasPrefix(pg.Code, "3D"), strings.HasPrefix(pg.Code, "3F"), strings.HasPrefix(pg.Code, "54"):
		fix := pg.Hint
		if fix == "" && pg.Code == "42P01" {
			fix = "the tables are sightings, detections, crossings, cameras, runs and batches, the views v_sightings, v_detections and v_crossings"
		}
		return usage.Wrap(err, fix, "SQL: %s", what)
	}
	return err
}

// place turns a position in characters, from 1, into line and column.
func place(statement string, position int) (line, column int) {
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

package sink

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// table is a database table whose rows, of type R, are written many at a time. The
// INSERT statement and COPY are both generated from its list of columns, so a new
// column is one entry of that list, beside the migration that adds it.
type table[R any] struct {
	name    string
	columns []column[R]
	insert  string
}

// column is one column of a table with rows of type R.
type column[R any] struct {
	name  string
	array string             // type of the array that unnest takes
	cast  string             // from an element of the array to the column's type, or ""
	all   func(rows []R) any // the array, for INSERT
	one   func(row *R) any   // the value, for COPY of a type that binary does not know

	binary func() binaryFunc[R] // for one COPY
}

// col returns a column whose array has elements of the column's type.
func col[R, T any](name, array string, value func(row *R) T) column[R] {
	return column[R]{
		name: name, array: array,
		all: func(rows []R) any { return collect(rows, value) },
		one: func(row *R) any { return value(row) },
		binary: func() binaryFunc[R] {
			return func(b []byte, oid uint32, row *R) []byte { return appendValue(b, oid, value(row)) }
		},
	}
}

// arrayCol returns a column whose values are arrays of the type array: value appends the
// elements. unnest would take an array of them apart, so INSERT sends each as text. An empty
// one is NULL.
func arrayCol[R, T any](name, array string, value func(row *R, to []T) []T) column[R] {
	return column[R]{
		name: name, array: "text[]", cast: "::" + array,
		all: func(rows []R) any {
			return collect(rows, func(row *R) pgtype.Text { return arrayLiteral(value(row, nil)) })
		},
		one: func(row *R) any {
			if values := value(row, nil); len(values) > 0 {
				return values
			}
			return nil
		},
		binary: func() binaryFunc[R] {
			var values []T
			return func(b []byte, oid uint32, row *R) []byte {
				values = value(row, values[:0])
				return appendArray(b, oid, values)
			}
		},
	}
}

// arrayLiteral returns values as PostgreSQL writes an array of numbers; NULL for
// none.
func arrayLiteral[T any](values []T) pgtype.Text {
	if len(values) == 0 {
		return pgtype.Text{}
	}
	b := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v)
	}
	return pgtype.Text{String: string(append(b, '}')), Valid: true}
}

// appendNumber appends a number, or NULL for a nil pointer to one.
func appendNumber(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float32:
		return strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	case *int64:
		if v != nil {
			return strconv.AppendInt(b, *v, 10)
		}
	case *int32:
		if v != nil {
			return strconv.AppendInt(b, int64(*v), 10)
		}
	}
	return append(b, "NULL"...)
}

func collect[R, T any](rows []R, value func(row *R) T) []T {
	values := make([]T, len(rows))
	for i := range rows {
		values[i] = value(&rows[i])
	}
	return values
}

// newTable returns a table. onConflict is appended to the INSERT statement; COPY
// cannot have it.
func newTable[R any](name, onConflict string, columns ...column[R]) *table[R] {
	n := len(columns)
	names, from, args, casts := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, c := range columns {
		names[i], from[i] = c.name, fmt.Sprintf("c%d", i)
		args[i], casts[i] = fmt.Sprintf("$%d::%s", i+1, c.array), from[i]+c.cast
	}
	return &table[R]{name, columns, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) AS u(%s) %s", name,
		strings.Join(names, ", "), strings.Join(casts, ", "), strings.Join(args, ", "), strings.Join(from, ", "), onConflict)}
}

// counted has the rows that were inserted, as table inserted, counted by a second
// statement.
func (t *table[R]) counted(statement string) *table[R] {
	t.insert = "WITH inserted AS (" + t.insert + " RETURNING *)" + statement
	return t
}

// queue adds the statement that inserts the rows, if there are any.
func (t *table[R]) queue(b *pgx.Batch, rows []R) {
	if len(rows) == 0 {
		return
	}
	args := make([]any, len(t.columns))
	for i, c := range t.columns {
		args[i] = c.all(rows)
	}
	b.Queue(t.insert, args...)
}

// querier is a pool or a transaction.
type querier interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}

// sendIn runs the statements in one pipeline. On a pool that is one
// transaction: the server commits at the end of the pipeline, or rolls all of
// it back at the first error.
func sendIn(ctx context.Context, db interface {
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}, b *pgx.Batch) error {
	n := b.Len()
	res := db.SendBatch(ctx, b)
	for range n {
		if _, err := res.Exec(); err != nil {
			_ = res.Close() // the first error is the cause
			return err
		}
	}
	return res.Close() // the commit's answer
}

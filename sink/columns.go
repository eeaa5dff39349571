package sink

import (
	"context"
	"fmt"
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
	one   func(row *R) any   // the value, for COPY
}

// col returns a column whose array has elements of the column's type.
func col[R, T any](name, array string, value func(row *R) T) column[R] {
	return column[R]{
		name: name, array: array,
		all: func(rows []R) any { return collect(rows, value) },
		one: func(row *R) any { return value(row) },
	}
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

// copyIn writes the rows with COPY.
func (t *table[R]) copyIn(ctx context.Context, tx pgx.Tx, rows []R) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, names, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		values := make([]any, len(t.columns))
		for k, c := range t.columns {
			values[k] = c.one(&rows[i])
		}
		return values, nil
	}))
	return err
}

// The tables whose rows are written in the transaction of their records. The
// database casts each value to the column's type and checks it: a value out of range
// is the record's error, not a silent truncation here.
var (
	sightingTable = newTable("sightings", "",
		col("captured_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.CapturedAt) }),
		col("camera_id", "integer[]", func(s *sightingRow) int32 { return s.camera }),
		col("run_id", "integer[]", func(s *sightingRow) int32 { return s.run }),
		col("seq", "bigint[]", func(s *sightingRow) int64 { return s.Seq }),
		col("pts_us", "bigint[]", func(s *sightingRow) int64 { return s.PTS }),
		col("grabbed_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.GrabbedAt) }),
		col("decoded_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.DecodedAt) }),
		col("inferred_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.InferredAt) }),
		col("produced_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.ProducedAt) }),
		col("batch_id", "bigint[]", func(s *sightingRow) int64 { return s.batch }),
		col("dropped_before", "bigint[]", func(s *sightingRow) int64 { return s.DroppedBefore }),
		col("width", "bigint[]", func(s *sightingRow) int64 { return int64(s.Frame.Width) }),
		col("height", "bigint[]", func(s *sightingRow) int64 { return int64(s.Frame.Height) }),
		col("people", "integer[]", func(s *sightingRow) int32 { return s.people }),
		col("objects", "integer[]", func(s *sightingRow) int32 { return int32(len(s.Objects)) }),
	)
	detectionTable = newTable("detections", "",
		col("captured_at", "timestamptz[]", func(d *detectionRow) pgtype.Timestamptz { return timestamp(d.sighting.CapturedAt) }),
		col("camera_id", "integer[]", func(d *detectionRow) int32 { return d.camera }),
		col("run_id", "integer[]", func(d *detectionRow) int32 { return d.run }),
		col("seq", "bigint[]", func(d *detectionRow) int64 { return d.sighting.Seq }),
		col("object_index", "integer[]", func(d *detectionRow) int32 { return int32(d.Index) }),
		col("class_id", "bigint[]", func(d *detectionRow) int64 { return int64(d.ClassID) }),
		col("score", "real[]", func(d *detectionRow) float32 { return d.Score }),
		col("x1", "real[]", func(d *detectionRow) float32 { return d.Box[0] }),
		col("y1", "real[]", func(d *detectionRow) float32 { return d.Box[1] }),
		col("x2", "real[]", func(d *detectionRow) float32 { return d.Box[2] }),
		col("y2", "real[]", func(d *detectionRow) float32 { return d.Box[3] }),
		col("track_id", "bigint[]", func(d *detectionRow) *int64 { return d.TrackID }),
		// unnest takes no array of arrays of different lengths, so INSERT sends each
		// as text.
		column[detectionRow]{
			name: "zones", array: "text[]", cast: "::text[]",
			all: func(rows []detectionRow) any {
				return collect(rows, func(d *detectionRow) pgtype.Text { return arrayLiteral(d.Zones) })
			},
			one: func(d *detectionRow) any { return d.Zones },
		},
	)
	crossingTable = newTable("crossings", "ON CONFLICT DO NOTHING",
		col("captured_at", "timestamptz[]", func(x *crossingRow) pgtype.Timestamptz { return timestamp(x.CapturedAt) }),
		col("camera_id", "integer[]", func(x *crossingRow) int32 { return x.camera }),
		col("run_id", "integer[]", func(x *crossingRow) int32 { return x.run }),
		col("seq", "bigint[]", func(x *crossingRow) int64 { return x.Seq }),
		col("line", "text[]", func(x *crossingRow) string { return x.Line }),
		col("track_id", "bigint[]", func(x *crossingRow) int64 { return x.TrackID }),
		col("direction", "text[]", func(x *crossingRow) string { return x.Direction }),
		col("class_id", "bigint[]", func(x *crossingRow) int64 { return int64(x.ClassID) }),
		col("label", "text[]", func(x *crossingRow) string { return x.Label }),
	)
)

// arrayLiteral returns names as PostgreSQL writes an array of text, NULL if there are
// none.
func arrayLiteral(names []string) pgtype.Text {
	if len(names) == 0 {
		return pgtype.Text{}
	}
	var b strings.Builder
	for i, n := range names {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteByte('"')
		escape.WriteString(&b, n) //nolint:errcheck // a Builder takes everything
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return pgtype.Text{String: b.String(), Valid: true}
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

package sink

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// table is a database table that gets many rows in a transaction. The INSERT
// statement and COPY are both generated from its one list of columns.
type table struct {
	name    string
	columns []column
	insert  string
}

// column is one column of the rows of a transaction.
type column struct {
	name  string
	array string                     // type of the array that unnest takes
	cast  string                     // of one of its elements to the column's type, or ""
	all   func(r *rows) any          // the array
	one   func(r *rows, row int) any // what COPY takes
}

// col is a column whose elements are of the column's type.
func col[T any](name, array string, values func(r *rows) []T) column {
	return column{
		name: name, array: array,
		all: func(r *rows) any { return values(r) },
		one: func(r *rows, row int) any { return values(r)[row] },
	}
}

func newTable(name string, columns ...column) *table {
	names, from, args, casts := make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], from[i] = c.name, fmt.Sprintf("c%d", i)
		args[i], casts[i] = fmt.Sprintf("$%d::%s", i+1, c.array), from[i]+c.cast
	}
	return &table{name, columns, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) AS u(%s)", name,
		strings.Join(names, ", "), strings.Join(casts, ", "), strings.Join(args, ", "), strings.Join(from, ", "))}
}

// queue adds the statement that inserts all rows.
func (t *table) queue(b *pgx.Batch, r *rows) {
	args := make([]any, len(t.columns))
	for i, c := range t.columns {
		args[i] = c.all(r)
	}
	b.Queue(t.insert, args...)
}

// copyIn writes all n rows with COPY.
func (t *table) copyIn(ctx context.Context, tx pgx.Tx, r *rows, n int) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, names, pgx.CopyFromSlice(n, func(row int) ([]any, error) {
		values := make([]any, len(t.columns))
		for i, c := range t.columns {
			values[i] = c.one(r, row)
		}
		return values, nil
	}))
	return err
}

// The tables with many rows.
var (
	sightingTable = newTable("sightings",
		col("captured_at", "timestamptz[]", func(r *rows) []pgtype.Timestamptz { return r.sightings.captured }),
		col("camera_id", "integer[]", func(r *rows) []int32 { return r.sightings.camera }),
		col("run_id", "integer[]", func(r *rows) []int32 { return r.sightings.run }),
		col("seq", "bigint[]", func(r *rows) []int64 { return r.sightings.seq }),
		col("pts_us", "bigint[]", func(r *rows) []int64 { return r.sightings.pts }),
		col("grabbed_at", "timestamptz[]", func(r *rows) []pgtype.Timestamptz { return r.sightings.grabbed }),
		col("decoded_at", "timestamptz[]", func(r *rows) []pgtype.Timestamptz { return r.sightings.decoded }),
		col("inferred_at", "timestamptz[]", func(r *rows) []pgtype.Timestamptz { return r.sightings.inferred }),
		col("produced_at", "timestamptz[]", func(r *rows) []pgtype.Timestamptz { return r.sightings.produced }),
		col("batch_id", "bigint[]", func(r *rows) []int64 { return r.sightings.batch }),
		col("dropped_before", "bigint[]", func(r *rows) []int64 { return r.sightings.dropped }),
		col("width", "bigint[]", func(r *rows) []int64 { return r.sightings.width }),
		col("height", "bigint[]", func(r *rows) []int64 { return r.sightings.height }),
		col("people", "integer[]", func(r *rows) []int32 { return r.sightings.people }),
		col("objects", "integer[]", func(r *rows) []int32 { return r.sightings.objects }),
	)
	detectionTable = newTable("detections",
		col("captured_at", "timestamptz[]", func(r *rows) []pgtype.Timestamptz { return r.detections.captured }),
		col("camera_id", "integer[]", func(r *rows) []int32 { return r.detections.camera }),
		col("run_id", "integer[]", func(r *rows) []int32 { return r.detections.run }),
		col("seq", "bigint[]", func(r *rows) []int64 { return r.detections.seq }),
		col("object_index", "integer[]", func(r *rows) []int32 { return r.detections.index }),
		col("class_id", "bigint[]", func(r *rows) []int64 { return r.detections.class }),
		col("score", "real[]", func(r *rows) []float32 { return r.detections.score }),
		col("x1", "real[]", func(r *rows) []float32 { return r.detections.box[0] }),
		col("y1", "real[]", func(r *rows) []float32 { return r.detections.box[1] }),
		col("x2", "real[]", func(r *rows) []float32 { return r.detections.box[2] }),
		col("y2", "real[]", func(r *rows) []float32 { return r.detections.box[3] }),
		col("track_id", "bigint[]", func(r *rows) []*int64 { return r.detections.track }),
		// Arrays of unlike lengths do not fit into one of two dimensions: the
		// statement gets them as text.
		column{
			name: "zones", array: "text[]", cast: "::text[]",
			all: func(r *rows) any { return arrayLiterals(r.detections.zones) },
			one: func(r *rows, row int) any { return r.detections.zones[row] },
		},
	)
)

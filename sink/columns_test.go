package sink

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// A new column is one entry of the table's list, beside its migration: INSERT and
// COPY are generated from that list, and write the column wherever it stands in it.
func TestTable_OneMoreColumn_InsertAndCopyWriteIt(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), "ALTER TABLE detections ADD COLUMN area real")
	require.NoError(t, err)
	area := col("area", "real[]", func(d *detectionRow) float32 { return (d.Box[2] - d.Box[0]) * (d.Box[3] - d.Box[1]) })
	more := newTable(detectionTable.name, "", slices.Insert(slices.Clone(detectionTable.columns), 3, area)...)

	for run, write := range map[int32]func(tx pgx.Tx, rows []detectionRow) error{
		1: func(tx pgx.Tx, rows []detectionRow) error {
			b := new(pgx.Batch)
			more.queue(b, rows)
			return sendIn(t.Context(), tx, b)
		},
		2: func(tx pgx.Tx, rows []detectionRow) error { return more.copyIn(t.Context(), tx, rows) },
	} {
		s := &event.Sighting{Seq: 7}
		s.Objects = []event.Object{{Box: event.Box{1, 2, 4, 6}, Zones: []string{`a "b"`, `c\d`}}, {Index: 1, Box: event.Box{0, 0, 1, 1}}}
		rows := []detectionRow{{&s.Objects[0], s, 1, run}, {&s.Objects[1], s, 1, run}}
		s.CapturedAt = event.At(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
		require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return write(tx, rows) }))
		got, err := pool.Query(t.Context(), "SELECT area, seq, x2, zones FROM detections WHERE run_id = $1 ORDER BY object_index", run)
		require.NoError(t, err)
		type stored struct {
			Area  float32
			Seq   int64
			X2    float32
			Zones []string
		}
		all, err := pgx.CollectRows(got, pgx.RowToStructByPos[stored])
		require.NoError(t, err)
		require.Equal(t, []stored{{12, 7, 4, []string{`a "b"`, `c\d`}}, {1, 7, 1, nil}}, all, "run %d", run)
	}
}

package sink

import (
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
)

func copied(n int) (rows []sightingRow) {
	at := event.At(time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC))
	for seq := range n {
		rows = append(rows, sightingRow{Sighting: &event.Sighting{Seq: int64(seq), CapturedAt: at, Frame: event.Size{Width: 4, Height: 3}}, camera: 1, run: 1})
	}
	return rows
}

// Columns of types that binary does not know are encoded by the client's general encoder.
func TestTableCopy_OtherTypes_SameValues(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), `ALTER TABLE sightings ADD COLUMN a numeric, ADD COLUMN b float8[], ADD COLUMN c text`)
	require.NoError(t, err)
	odd := newTable("sightings", "", append(append([]column[sightingRow](nil), sightingTable.columns...),
		col("a", "numeric[]", func(s *sightingRow) int64 { return -s.Seq }),
		arrayCol("b", "float8[]", func(s *sightingRow, to []float32) []float32 { return append(to, 0.5, float32(s.Seq)) }),
		col("c", "text[]", func(*sightingRow) string { return "tür" }),
	)...)
	types, err := readColumnTypes(t.Context(), pool, "sightings")
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return odd.copyIn(t.Context(), tx, copied(1000), types) }))
	var right int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM sightings WHERE a = -seq AND b = ARRAY[0.5, seq]::float8[] AND c = 'tür'
		AND grabbed_at IS NULL AND class_ids IS NULL AND states IS NULL AND captured_at = '2026-05-01 12:00:00.123456+00'`).Scan(&right))
	require.Equal(t, 1000, right)
}

// COPY casts nothing, so the client checks what does not fit: nothing is cut silently.
func TestTableCopy_ValueOutOfRange_Error(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	types, err := readColumnTypes(t.Context(), pool, "sightings")
	require.NoError(t, err)
	rows := copied(3)
	rows[1].Frame.Width = 1 << 33
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return sightingTable.copyIn(t.Context(), tx, rows, types) })
	require.ErrorContains(t, err, "is greater than maximum value")
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM sightings").Scan(&n))
	require.Zero(t, n)
}

// However small the pieces are that the connection takes, they are the same bytes.
func TestCopier_SmallReads_SameBytes(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	types, err := readColumnTypes(t.Context(), pool, "sightings")
	require.NoError(t, err)
	whole, err := io.ReadAll(newCopier(sightingTable, copied(50), types, nil))
	require.NoError(t, err)
	small, err := io.ReadAll(iotest.OneByteReader(newCopier(sightingTable, copied(50), types, nil)))
	require.NoError(t, err)
	require.Equal(t, whole, small)
	require.Equal(t, copyTrailer, whole[len(whole)-2:])
}

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

// A member of the group learns of new partitions with its metadata, and of their
// assignment by a heartbeat; a fetch that is pending does not include them.
func TestConsumer_NewPartitions_AreReadWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	require.Less(t, metadataAge+2*heartbeat+fetchMaxWait, 5*time.Second)
}

// A new column is one entry of the table's list, beside its migration: INSERT and
// COPY are generated from that list, and write the column wherever it stands in it.
func TestTable_OneMoreColumn_InsertAndCopyWriteIt(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), "ALTER TABLE sightings ADD COLUMN pixels bigint, ADD COLUMN heights real[]")
	require.NoError(t, err)
	more := newTable(sightingTable.name, "", slices.Insert(slices.Clone(sightingTable.columns), 3,
		col("pixels", "bigint[]", func(s *sightingRow) int64 { return int64(s.Frame.Width * s.Frame.Height) }),
		arrayCol("heights", "real[]", func(s *sightingRow, _ []float32) []float32 {
			return collect(s.Objects, func(o *event.Object) float32 { return o.Box[3] - o.Box[1] })
		}))...)

	types, err := readColumnTypes(t.Context(), pool, "sightings")
	require.NoError(t, err)
	for run, write := range map[int32]func(tx pgx.Tx, rows []sightingRow) error{
		1: func(tx pgx.Tx, rows []sightingRow) error {
			b := new(pgx.Batch)
			more.queue(b, rows)
			return sendIn(t.Context(), tx, b)
		},
		2: func(tx pgx.Tx, rows []sightingRow) error { return more.copyIn(t.Context(), tx, rows, types) },
	} {
		track, set := int64(12), int32(3)
		at := event.At(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
		rows := []sightingRow{
			{Sighting: &event.Sighting{Seq: 7, CapturedAt: at, Frame: event.Size{Width: 4, Height: 3}, Objects: []event.Object{
				{Box: event.Box{1, 2, 4, 6.5}, Score: .9, ClassID: 5, TrackID: &track}, {Index: 1, Box: event.Box{0, 0, 1, 1}, Score: 1e-9},
			}}, camera: 1, run: run, zoneSets: []*int32{nil, &set}},
			{Sighting: &event.Sighting{Seq: 8, CapturedAt: at, Frame: event.Size{Width: 2, Height: 3}}, camera: 1, run: run},
		}
		require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return write(tx, rows) }))
		got, err := pool.Query(t.Context(), `SELECT seq, pixels, heights, class_ids, boxes, track_ids::text, zone_set_ids::text
			FROM sightings WHERE run_id = $1 ORDER BY seq`, run)
		require.NoError(t, err)
		type stored struct {
			Seq, Pixels    int64
			Heights        []float32
			Classes        []int16
			Boxes          []float32
			Tracks, ZoneIn *string
		}
		all, err := pgx.CollectRows(got, pgx.RowToStructByPos[stored])
		require.NoError(t, err)
		tracks, zones := "{12,NULL}", "{NULL,3}"
		require.Equal(t, []stored{
			{7, 12, []float32{4.5, 1}, []int16{5, 0}, []float32{1, 2, 4, 6.5, .9, 0, 0, 1, 1, 1e-9}, &tracks, &zones},
			{Seq: 8, Pixels: 6},
		}, all, "run %d", run)
	}
}

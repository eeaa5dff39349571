package pgtest

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Lines returns the rows of queries, a line each.
func Lines(t testing.TB, pool *pgxpool.Pool, queries ...string) (lines []string) {
	t.Helper()
	for _, sql := range queries {
		rows, err := pool.Query(t.Context(), sql)
		require.NoError(t, err, sql)
		for rows.Next() {
			v, err := rows.Values()
			require.NoError(t, err)
			lines = append(lines, fmt.Sprint(v...))
		}
		require.NoError(t, rows.Err(), sql)
	}
	return lines
}

// TotalsQueries are every row of the tables of totals by names, in order.
var TotalsQueries = []string{
	"SELECT * FROM v_minutes ORDER BY minute, camera, run",
	"SELECT people, seconds, first_seq, last_seq FROM camera_minutes ORDER BY 1, 2, 3",
	"SELECT * FROM v_zone_minutes ORDER BY minute, camera, run, zone",
	"SELECT * FROM v_crossing_minutes ORDER BY minute, camera, run, line, direction, label",
	`SELECT c.name, h.half_hour, r.run, h.frames, h.people, h.max_people, h.detections, h.dropped, h.seconds::text, h.seconds_count
	 FROM camera_half_hours h JOIN cameras c ON c.id = h.camera_id JOIN runs r ON r.id = h.run_id ORDER BY 1, 2, 3`,
	`SELECT c.name, h.line, h.half_hour, r.run, h.direction, h.label, h.crossings
	 FROM crossing_half_hours h JOIN cameras c ON c.id = h.camera_id JOIN runs r ON r.id = h.run_id ORDER BY 1, 2, 3, 4, 5, 6`,
	"SELECT * FROM v_tracks ORDER BY camera, run, track_id",
	"SELECT * FROM v_visits ORDER BY camera, run, track_id, zone, entered_at",
	`SELECT c.name, l.captured_at, r.run, l.seq, l.people, l.objects
	 FROM latest_sightings l JOIN cameras c ON c.id = l.camera_id JOIN runs r ON r.id = l.run_id ORDER BY 1`,
}

// Totals returns the rows of TotalsQueries.
func Totals(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	return Lines(t, pool, TotalsQueries...)
}

// TotalsAgree asserts that the totals are those of the rows, by computing them anew. No
// sink may write meanwhile.
func TotalsAgree(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	kept := Totals(t, pool)
	_, err := pool.Exec(t.Context(), "SELECT sightlog_rebuild()")
	require.NoError(t, err)
	require.Equal(t, Totals(t, pool), kept)
}

package pgtest

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// AddDetections puts detections into their sightings, which are there, and computes
// the totals. Rows is a query (VALUES, SELECT) with the columns captured_at, camera_id,
// run_id, seq, track_id, object_index, class_id, score, x1, y1, x2, y2 and zones, in
// this order.
func AddDetections(t testing.TB, pool *pgxpool.Pool, rows string) {
	t.Helper()
	const columns = "(captured_at, camera_id, run_id, seq, track_id, object_index, class_id, score, x1, y1, x2, y2, zones)"
	for _, sql := range []string{
		"INSERT INTO zone_sets (zones) SELECT DISTINCT zones::text[] FROM (" + rows + ") d" + columns + " WHERE zones IS NOT NULL ON CONFLICT DO NOTHING",
		`UPDATE sightings s SET class_ids = f.class_ids, boxes = f.boxes, track_ids = f.track_ids, zone_set_ids = f.zone_set_ids
		 FROM (SELECT captured_at::timestamptz, camera_id, run_id, seq,
		              array_agg(class_id ORDER BY object_index) FILTER (WHERE k = 1) AS class_ids,
		              array_agg(v ORDER BY object_index, k) AS boxes,
		              array_agg(track_id::integer ORDER BY object_index) FILTER (WHERE k = 1) AS track_ids,
		              array_agg(z.id ORDER BY object_index) FILTER (WHERE k = 1) AS zone_set_ids
		       FROM (` + rows + ") d" + columns + `
		       LEFT JOIN zone_sets z ON z.zones = d.zones::text[]
		       CROSS JOIN LATERAL unnest(ARRAY[x1, y1, x2, y2, score]::real[]) WITH ORDINALITY AS b(v, k)
		       GROUP BY 1, 2, 3, 4) f
		 WHERE s.captured_at = f.captured_at AND s.camera_id = f.camera_id AND s.run_id = f.run_id AND s.seq = f.seq`,
		"SELECT sightlog_rebuild()",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
}

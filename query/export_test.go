package query_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// found adds detections to seen: in porch's frames 2 and 5, a tracked person
// and a car without a track in the latter.
func found(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := seen(t)
	for _, sql := range []string{
		"INSERT INTO classes VALUES (1, 0, 'person'), (1, 2, 'car \"old\"')",
		"UPDATE runs SET source = '/clips/a b.avi', started_at = '2026-05-01 12:00:30+00' WHERE run = 'run-porch'",
		"UPDATE runs SET started_at = '2026-05-01 10:00:00+00', source_kind = 'stream', source = 'rtsp://192.0.2.7/x' WHERE run = 'run-yard'",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	pgtest.AddDetections(t, pool, `VALUES
		 ('2026-05-01 12:00:35+00', 1, 1, 5, 7, 0, 0, 0.9731, 100.1, 20, 130.4, 80.5, NULL),
		 ('2026-05-01 12:00:35+00', 1, 1, 5, NULL, 1, 2, 0.5, 0, 0, 10, 20, NULL),
		 ('2026-05-01 12:00:32+00', 1, 1, 2, 7, 0, 0, 0.00001, 99.9, 20, 130, 80, NULL),
		 ('2026-05-01 11:00:00.25+00', 2, 2, 0, NULL, 0, 0, 1, 1, 2, 3, 4, NULL)`)
	return pool
}

func exported(t *testing.T, pool *pgxpool.Pool, e *query.Export, format string) (string, query.ExportStats) {
	t.Helper()
	var b bytes.Buffer
	n, err := e.Write(t.Context(), pool, &b, format)
	require.NoError(t, err)
	return b.String(), n
}

func TestExport_MOT_LineForEachDetection(t *testing.T) {
	t.Parallel()
	pool := found(t)
	e, err := query.FindExport(t.Context(), pool, query.Filter{})
	require.NoError(t, err)
	require.Equal(t, "run-porch", e.Run)
	text, n := exported(t, pool, e, "mot")
	require.Equal(t, `3,7,99.90,20.00,30.10,60.00,1e-05,-1,-1,-1
6,7,100.10,20.00,30.30,60.50,0.9731,-1,-1,-1
6,-1,0.00,0.00,10.00,20.00,0.5,-1,-1,-1
`, text)
	require.Equal(t, query.ExportStats{Frames: 2, Detections: 3}, n)

	e.Tracked = true
	_, n = exported(t, pool, e, "mot")
	require.Equal(t, query.ExportStats{Frames: 2, Detections: 2}, n)

	e, err = query.FindExport(t.Context(), pool, query.Filter{Camera: "yard"})
	require.NoError(t, err)
	text, _ = exported(t, pool, e, "mot")
	require.Equal(t, "1,-1,1.00,2.00,2.00,2.00,1,-1,-1,-1\n", text)
}

func TestExport_COCO_ImageForEachFrame(t *testing.T) {
	t.Parallel()
	pool := found(t)
	from := time.Date(2026, 5, 1, 12, 0, 33, 0, time.UTC)
	e, err := query.FindExport(t.Context(), pool, query.Filter{Run: "run-porch", Since: from, Until: from.Add(3 * time.Second)})
	require.NoError(t, err)
	text, n := exported(t, pool, e, "coco")
	require.Equal(t, query.ExportStats{Frames: 1, Detections: 2}, n)
	require.JSONEq(t, `{
		"images": [
			{"id": 4, "file_name": "a b.avi#3", "width": 8, "height": 8},
			{"id": 5, "file_name": "a b.avi#4", "width": 8, "height": 8},
			{"id": 6, "file_name": "a b.avi#5", "width": 8, "height": 8}],
		"categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car \"old\""}],
		"annotations": [
			{"id": 1, "image_id": 6, "category_id": 1, "bbox": [100.1, 20, 30.3, 60.5], "area": 1833.15, "iscrowd": 0, "score": 0.9731, "track_id": 7},
			{"id": 2, "image_id": 6, "category_id": 3, "bbox": [0, 0, 10, 20], "area": 200, "iscrowd": 0, "score": 0.5}]}`, text)

	e, err = query.FindExport(t.Context(), pool, query.Filter{Camera: "yard", Until: from.Add(-24 * time.Hour)})
	require.NoError(t, err)
	text, _ = exported(t, pool, e, "coco")
	require.True(t, json.Valid([]byte(text)), text)

	e, err = query.FindExport(t.Context(), pool, query.Filter{Camera: "yard"})
	require.NoError(t, err)
	text, _ = exported(t, pool, e, "coco")
	require.Contains(t, text, `"file_name":"yard#0"`, "what is live has no file")
}

func TestExport_NothingFound_UsageError(t *testing.T) {
	t.Parallel()
	pool := found(t)
	for _, f := range []query.Filter{{Camera: "attic"}, {Run: "nobody"}, {Camera: "yard", Run: "run-porch"}} {
		_, err := query.FindExport(t.Context(), pool, f)
		require.True(t, usage.Is(err), "%v", err)
	}
	_, err := pool.Exec(t.Context(), "TRUNCATE runs, classes, definitions")
	require.NoError(t, err)
	_, err = query.FindExport(t.Context(), pool, query.Filter{})
	require.ErrorContains(t, err, "run a source first")
	require.True(t, usage.Is(err))
}

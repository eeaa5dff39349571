package full

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// Frame 0 has nobody, 1 four people of whom two pairs overlap, 2 three apart,
// 3 four apart of whom two are unsure.
func TestBestFrame_CrowdedOrUnsure_TheClearestWins(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('yard')",
		`INSERT INTO runs (camera_id, run, source_kind, source, model, model_sha256, model_width, model_height, provider)
		 VALUES (1, 'r', 'file', 'yard.avi', 'm', '', 1, 1, 'cpu'), (1, 'empty', 'file', 'yard.avi', 'm', '', 1, 1, 'cpu')`,
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
		 SELECT '2026-05-01'::timestamptz + seq * interval '1 s', 1, run, seq, 0, 1, 0, 640, 480, n, n
		 FROM (VALUES (1, 0, 0), (1, 1, 4), (1, 2, 3), (1, 3, 4), (2, 5, 0)) f (run, seq, n)`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	pgtest.AddDetections(t, pool, `
		SELECT '2026-05-01'::timestamptz + seq * interval '1 s', 1, 1, seq, NULL, i, 0, score, x, 100, x + 40, 200, NULL
		FROM (VALUES (1, 0, .9, 0), (1, 1, .9, 20), (1, 2, .9, 200), (1, 3, .9, 220),
			(2, 0, .9, 0), (2, 1, .9, 100), (2, 2, .9, 200),
			(3, 0, .9, 0), (3, 1, .9, 100), (3, 2, .45, 200), (3, 3, .45, 300)) d (seq, i, score, x)`)
	for _, c := range []struct{ run, asked, want int64 }{{1, -1, 2}, {1, 1, 1}, {1, 0, 0}, {2, -1, 5}} {
		var seq int64
		var at time.Time
		require.NoError(t, pool.QueryRow(t.Context(), bestFrame, c.run, c.asked).Scan(&seq, &at))
		require.Equal(t, c.want, seq, "run %d, asked for %d", c.run, c.asked)
	}
}

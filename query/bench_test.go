package query_test

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
)

// BenchmarkQuestions asks a month of partitions with a million sightings of
// eight cameras in the last two days; one of the cameras has been silent since
// the first minutes.
func BenchmarkQuestions(b *testing.B) {
	pool := pgtest.Open(b)
	for _, sql := range []string{
		"SELECT sightlog_ensure_day(d::date) FROM generate_series(now() - '30 days'::interval, now(), '1 day') d",
		"INSERT INTO cameras (name) SELECT 'cam-' || n FROM generate_series(1, 8) n",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
		 SELECT id, 'run-' || name, 'file', 'm', '', 1, 1, 'cpu' FROM cameras`,
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects,
			grabbed_at, decoded_at, inferred_at, produced_at)
		 SELECT at, 1 + n % 8, 1 + n % 8, n, 0, n / 8, 0, 8, 8, n % 4, n % 4 + 1, at, at + '1 ms', at + '11 ms', at + '12 ms'
		 FROM (SELECT n, now() - interval '2 days' + n * interval '160 ms' AS at FROM generate_series(0, 1080000) n) x WHERE n % 8 <> 7 OR n < 1000`,
		"INSERT INTO batches SELECT n, now(), now(), 1 FROM generate_series(0, 135000) n",
		"ANALYZE",
	} {
		_, err := pool.Exec(b.Context(), sql)
		require.NoError(b, err)
	}
	hour := query.Filter{Since: time.Now().Add(-25 * time.Hour), Until: time.Now().Add(-24 * time.Hour)}
	for name, q := range map[string]query.Question{
		"people/all":   report("people", query.Filter{}),
		"people/hour":  report("people", hour),
		"latest/all":   report("latest", query.Filter{}),
		"latency/all":  report("latency", query.Filter{}),
		"latency/hour": report("latency", hour),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, q.Answer(b.Context(), pool, io.Discard, "csv"))
			}
		})
	}
}

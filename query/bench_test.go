package query_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
)

// month fills a month of partitions with so many sightings of eight cameras, 1.5
// detections each, in three zones, and crossings of two lines; one of the cameras has been
// silent since the first thousand.
func month(t testing.TB, sightings int) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	for _, sql := range []string{
		"SELECT sightlog_ensure_day(d::date) FROM generate_series(now() - '31 days'::interval, now(), '1 day') d",
		"INSERT INTO cameras (name) SELECT 'cam-' || n FROM generate_series(1, 8) n",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
		 SELECT id, 'run-' || name, 'file', 'm', '', 1, 1, 'cpu' FROM cameras`,
		"INSERT INTO classes SELECT id, 0, 'person' FROM runs",
		"INSERT INTO zone_sets (zones) VALUES ('{door}'), ('{yard}'), ('{door,gate}')",
		fmt.Sprintf(`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects,
			grabbed_at, decoded_at, inferred_at, produced_at, class_ids, boxes, track_ids, zone_set_ids)
		 SELECT at, 1 + n %% 8, 1 + n %% 8, n, 0, n / 8, 0, 1920, 1080, k, k, at, at + '1 ms', at + '11 ms', at + '12 ms',
		        CASE WHEN k > 0 THEN array_fill(0, ARRAY[k]) END,
		        CASE WHEN k > 0 THEN (SELECT array_agg(v) FROM generate_series(1, k) i, unnest(ARRAY[(n * i) %% 1800, 100, (n * i) %% 1800 + 90, 300 + n %% 700, 0.9]) v) END,
		        CASE WHEN k > 0 THEN (SELECT array_agg(n / 400 * 4 + i) FROM generate_series(1, k) i) END,
		        CASE WHEN k > 0 THEN (SELECT array_agg(nullif((n / 100 + i) %% 4, 0)) FROM generate_series(1, k) i) END
		 FROM (SELECT n, n / 8 %% 4 AS k, now() - interval '30 days' + n * interval '30 days' / %[1]d AS at FROM generate_series(0, %[1]d) n) x
		 WHERE n %% 8 <> 7 OR n < 1000`, sightings),
		"INSERT INTO batches SELECT DISTINCT batch_id, now(), now(), 1 FROM sightings",
		`INSERT INTO crossings SELECT captured_at, camera_id, run_id, seq, 'line-' || seq % 2, 1, CASE WHEN seq % 3 = 0 THEN 'in' ELSE 'out' END, 0, 'person'
		 FROM sightings WHERE seq % 50 = 0`,
		"UPDATE runs SET frame_width = 1920, frame_height = 1080",
		"INSERT INTO definitions (camera_id, run_id, kind, name, points) SELECT camera_id, id, 'line', 'line-' || n, '{0,0.5,1,0.5}' FROM runs, generate_series(0, 1) n",
		"INSERT INTO places (name, reset_at, tz, label) VALUES ('shop', '04:00', 'Europe/Berlin', 'person')",
		"INSERT INTO place_lines SELECT 1, 'cam-' || c, 'line-' || (c - 1) % 2, false FROM generate_series(3, 4) c",
		"SELECT sightlog_rebuild()",
		"ANALYZE",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	return pool
}

// questions are what the figures of docs/sql.md are of.
func questions() map[string]query.Question {
	hour := query.Filter{Since: time.Now().Add(-25 * time.Hour), Until: time.Now().Add(-24 * time.Hour)}
	with := func(change func(*query.Filter)) query.Filter { f := hour; change(&f); return f }
	day := query.Filter{Bucket: "1d", TZ: "Europe/Berlin"}
	return map[string]query.Question{
		"people/month-by-day":    report("people", day),
		"people/month-by-minute": report("people", query.Filter{}),
		"people/hour":            report("people", hour),
		"people/hour-of-camera":  report("people", with(func(f *query.Filter) { f.Camera = "cam-3" })),
		"people/zone-by-day":     report("people", query.Filter{Bucket: "1d", Zone: "door"}),
		"occupancy/now":          report("occupancy", query.Filter{}),
		"occupancy/hour":         report("occupancy", hour),
		"crossings/month-by-day": report("crossings", day),
		"balance/now":            report("balance", query.Filter{}),
		"balance/month-by-day":   report("balance", day),
		"balance/day-by-minute":  report("balance", query.Filter{Bucket: "1m", Since: time.Now().Add(-24 * time.Hour)}),
		"visits/hour":            report("visits", hour),
		"visits/hour-of-camera":  report("visits", with(func(f *query.Filter) { f.Camera = "cam-3" })),
		"dwell/month-by-day":     report("dwell", day),
		"queue/now":              report("queue", query.Filter{}),
		"queue/hour":             report("queue", hour),
		"queue/month-by-day":     report("queue", day),
		"tracks/hour":            report("tracks", hour),
		"busiest/month":          report("busiest", query.Filter{}),
		"gaps/month":             report("gaps", query.Filter{Gap: time.Minute}),
		"latest":                 report("latest", query.Filter{}),
		"latest/until":           report("latest", query.Filter{Until: time.Now().Add(-24 * time.Hour)}),
		"heatmap/hour":           report("heatmap", hour),
		"heatmap/month":          report("heatmap", query.Filter{}),
		"latency/hour":           report("latency", hour),
	}
}

// plan returns how PostgreSQL answers a question.
func plan(t testing.TB, pool *pgxpool.Pool, q query.Question, options string) string {
	t.Helper()
	sql, args := q.Statement()
	rows, err := pool.Query(t.Context(), "EXPLAIN ("+options+") "+sql, append([]any{pgx.QueryExecModeExec}, args...)...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

// BenchmarkQuestions asks a month with two million sightings. SIGHTLOG_PLANS=FILE has the
// plans written there.
func BenchmarkQuestions(b *testing.B) {
	pool := month(b, 2_000_000)
	if name := os.Getenv("SIGHTLOG_PLANS"); name != "" {
		var all strings.Builder
		for name, q := range questions() {
			fmt.Fprintf(&all, "%s\n%s\n\n", name, plan(b, pool, q, "ANALYZE, COSTS off, TIMING off"))
		}
		require.NoError(b, os.WriteFile(name, []byte(all.String()), 0o600))
	}
	for name, q := range questions() {
		b.Run(name, func(b *testing.B) {
			rows := &watcher{first: func([]byte) {}}
			for b.Loop() {
				rows.lines = 0
				require.NoError(b, q.Answer(b.Context(), pool, rows, "csv"))
			}
			b.ReportMetric(float64(rows.lines-1), "rows")
		})
	}
}

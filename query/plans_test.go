package query_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
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

// Questions of an hour or of now look rows up by an index, and read no partition or
// totals of other times.
func TestReports_OfAnHourOrNow_UseIndexes(t *testing.T) {
	t.Parallel()
	pool := month(t, 40_000)
	hour := query.Filter{Camera: "cam-3", Since: time.Now().Add(-25 * time.Hour), Until: time.Now().Add(-24 * time.Hour)}
	for name, f := range map[string]query.Filter{"people": hour, "occupancy": {}, "queue": {}, "visits": hour, "tracks": hour, "latest": {}, "gaps": hour, "dwell": hour, "balance": {}} {
		require.NotRegexp(t, `Seq Scan on (sightings_2|camera_minutes|zone_minutes|crossing_minutes|crossings|visits|tracks)[^(]*\(actual`, plan(t, pool, report(name, f), "ANALYZE, COSTS off, TIMING off"), name)
	}
}

// What goes over all times reads the totals alone: its cost does not go with the sightings.
func TestReports_OfAllTimes_ReadNoSightings(t *testing.T) {
	t.Parallel()
	pool := seen(t)
	for name, table := range map[string]string{"people": "camera_minutes", "busiest": "camera_half_hours"} {
		text := plan(t, pool, report(name, query.Filter{}), "COSTS off")
		require.Contains(t, text, table, name)
		require.NotContains(t, text, "sightings", name)
	}
}

// A role may have a statement_timeout: one line says what to do.
func TestReport_ServersTimeout_OneLine(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	tx, err := pgtest.Pool(t, address).Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), "LOCK TABLE camera_minutes") // the report waits for it until its time is over
	require.NoError(t, err)
	err = report("people", query.Filter{}).Answer(t.Context(), pgtest.Pool(t, address+"&statement_timeout=3000"), io.Discard, "csv")
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "canceling statement due to statement timeout; ask for less (--since")
	require.False(t, strings.Contains(err.Error(), "\n"))
}

// asks keeps the statements that a pool is asked.
type asks struct {
	sql  []string
	args [][]any
}

func (a *asks) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	a.sql, a.args = append(a.sql, q.SQL), append(a.args, q.Args)
	return ctx
}

func (*asks) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// The views of a page read totals alone, and of a month those of half hours: no sightings, and
// no minutes but those at the ends.
func TestViews_OfAMonth_ReadNoRows(t *testing.T) {
	t.Parallel()
	pool := month(t, 40_000)
	cfg := pool.Config().Copy()
	asked := &asks{}
	cfg.ConnConfig.Tracer, cfg.MaxConns = asked, 1
	traced, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(traced.Close)
	for name, view := range views(traced, time.Now().Truncate(time.Hour).Add(-time.Minute)) {
		asked.sql, asked.args = nil, nil
		require.NoError(t, view(t.Context()), name)
		var plans strings.Builder
		for i, sql := range asked.sql {
			if !strings.Contains(sql, "_minutes") && !strings.Contains(sql, "tracks") {
				continue
			}
			rows, err := pool.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS off, TIMING off) "+sql, asked.args[i]...)
			require.NoError(t, err, sql)
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err, sql)
			plans.WriteString(strings.Join(lines, "\n") + "\n")
		}
		if name == "today" || name == "today/camera" {
			require.NotRegexp(t, `on (sightings_2|sightings_default|sightings )[^(]*\(actual`, plans.String(), name)
		}
		if name == "timeline/month" {
			require.Regexp(t, `on camera_half_hours`, plans.String(), name)
			require.Regexp(t, `on crossing_half_hours`, plans.String(), name)
			require.NotRegexp(t, `on (camera_minutes|crossing_minutes)[^(]*\(actual rows=\d{4,}`, plans.String(), name) // an hour of 8 cameras at most
			require.NotRegexp(t, `sightings_2`, plans.String(), name)
		}
	}
}

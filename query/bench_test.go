package query_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
)

// questions are what the figures of docs/sql.md are of.
func questions(t testing.TB, pool *pgxpool.Pool) map[string]query.Question {
	t.Helper()
	var until time.Time
	require.NoError(t, pool.QueryRow(context.Background(), "SELECT date_trunc('minute', max(captured_at)) FROM latest_sightings").Scan(&until))
	last := func(d time.Duration, change ...func(*query.Filter)) query.Filter {
		f := query.Filter{Since: until.Add(-d), Until: until}
		for _, c := range change {
			c(&f)
		}
		return f
	}
	camera := func(f *query.Filter) { f.Camera = "cam-25" }
	byDay := func(f *query.Filter) { f.Bucket, f.TZ = "1d", "Europe/Berlin" }
	const hour, day = time.Hour, 24 * time.Hour
	all := query.Filter{}
	byDay(&all)
	return map[string]query.Question{
		"people/all-by-day":         report("people", all),
		"people/all-by-minute":      report("people", query.Filter{}),
		"people/day-of-camera":      report("people", last(day, camera)),
		"people/day":                report("people", last(day)),
		"people/day-by-hour":        report("people", last(day, func(f *query.Filter) { f.Bucket = "1h" })),
		"people/hour":               report("people", last(hour)),
		"people/hour-of-camera":     report("people", last(hour, camera)),
		"people/zone-by-day":        report("people", query.Filter{Bucket: "1d", Zone: "door"}),
		"occupancy/now":             report("occupancy", query.Filter{}),
		"occupancy/hour":            report("occupancy", last(hour)),
		"crossings/all-by-day":      report("crossings", all),
		"crossings/day-of-camera":   report("crossings", last(day, camera)),
		"visits/hour":               report("visits", last(hour)),
		"visits/hour-of-camera":     report("visits", last(hour, camera)),
		"dwell/day":                 report("dwell", last(day)),
		"dwell/day-of-camera":       report("dwell", last(day, camera)),
		"dwell/all-by-day":          report("dwell", all),
		"tracks/hour":               report("tracks", last(hour)),
		"tracks/one":                query.SQL(fmt.Sprintf("SELECT * FROM v_tracks WHERE run = 'run-cam-25' AND track_id = %d", 100)),
		"sightings/hour-of-camera":  query.SQL(fmt.Sprintf("SELECT * FROM v_sightings WHERE camera = 'cam-25' AND captured_at >= '%s'", until.Add(-hour).Format(time.RFC3339))),
		"detections/hour-of-camera": query.SQL(fmt.Sprintf("SELECT * FROM v_detections WHERE camera = 'cam-25' AND captured_at >= '%s'", until.Add(-hour).Format(time.RFC3339))),
		"detections/sql":            query.SQL(fmt.Sprintf("SELECT label, count(*) FROM v_detections WHERE camera = 'cam-25' AND captured_at > '%s' AND score > 0.9 GROUP BY label", until.Add(-hour).Format(time.RFC3339))),
		"busiest/day":               report("busiest", last(day)),
		"gaps/day":                  report("gaps", last(day, func(f *query.Filter) { f.Gap = time.Minute })),
		"busiest/all":               report("busiest", query.Filter{}),
		"gaps/all":                  report("gaps", query.Filter{Gap: time.Minute}),
		"latest":                    report("latest", query.Filter{}),
		"latest/until":              report("latest", query.Filter{Until: until.Add(-day)}),
		"heatmap/hour-of-camera":    report("heatmap", last(hour, camera)),
		"heatmap/hour":              report("heatmap", last(hour)),
		"heatmap/day-of-camera":     report("heatmap", last(day, camera)),
		"latency/hour":              report("latency", last(hour)),
		"balance/now":               report("balance", query.Filter{}),
		"balance/day-by-minute":     report("balance", last(day, func(f *query.Filter) { f.Bucket = "1m" })),
		"queue/now":                 report("queue", query.Filter{}),
		"queue/hour":                report("queue", last(hour)),
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

// BenchmarkQuestions asks a fleet of 50 cameras at a frame a second, whose past is as long as
// SIGHTLOG_ROWS detections need (100 million: five days; default 1 million). With
// SIGHTLOG_FLEET=URL that is in the database of the URL, which has our tables, and is kept:
// one that has a fleet is asked only. SIGHTLOG_PLANS=FILE has the plans written there.
// server-ms is the processor time of PostgreSQL.
func BenchmarkQuestions(b *testing.B) {
	pool := largeFleet(b)
	if name := os.Getenv("SIGHTLOG_PLANS"); name != "" {
		var all strings.Builder
		for name, q := range questions(b, pool) {
			fmt.Fprintf(&all, "%s\n%s\n\n", name, plan(b, pool, q, "ANALYZE, BUFFERS, COSTS off, TIMING off"))
		}
		require.NoError(b, os.WriteFile(name, []byte(all.String()), 0o600))
	}
	for name, q := range questions(b, pool) {
		b.Run(name, func(b *testing.B) {
			rows := &watcher{first: func([]byte) {}}
			var took []time.Duration
			server := pgtest.Processor(b, pool)
			for b.Loop() {
				rows.lines = 0
				began := time.Now()
				require.NoError(b, q.Answer(b.Context(), pool, rows, "csv"))
				took = append(took, time.Since(began))
			}
			server = pgtest.Processor(b, pool) - server
			slices.Sort(took)
			b.ReportMetric(float64(server.Milliseconds())/float64(len(took)), "server-ms")
			b.ReportMetric(float64(took[0].Microseconds())/1000, "least-ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
			b.ReportMetric(float64(rows.lines-1), "rows")
		})
	}
}

// sizes are the bytes of heap and indexes a detection.
const sizes = `SELECT format('%s detections in %s sightings, %s bytes a detection; of the database %s', sum(objects), count(*),
		round((SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'sightings'::regclass) / sum(objects), 1),
		pg_size_pretty(pg_database_size(current_database()))) FROM sightings`

func largeFleet(b *testing.B) *pgxpool.Pool {
	b.Helper()
	detections := 1e6
	if text := os.Getenv("SIGHTLOG_ROWS"); text != "" {
		var err error
		detections, err = strconv.ParseFloat(text, 64)
		require.NoError(b, err)
	}
	f := &fleet{cameras: 50, every: time.Second, people: 4.63}
	f.past = time.Duration(detections / f.people / float64(f.cameras) * float64(time.Second)).Round(time.Minute)
	address := os.Getenv("SIGHTLOG_FLEET")
	if address == "" {
		return f.open(b)
	}
	pool := pgtest.Pool(b, address)
	var there bool
	require.NoError(b, pool.QueryRow(b.Context(), "SELECT EXISTS (SELECT FROM latest_sightings)").Scan(&there))
	if !there {
		began := time.Now()
		f.fill(b, pool)
		b.Logf("made in %s: %s", time.Since(began).Round(time.Second), pgtest.Lines(b, pool, sizes))
	}
	return pool
}

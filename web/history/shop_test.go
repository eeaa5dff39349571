package history_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/history"
	"github.com/sightlog/sightlog/web/page"
)

// shop fills a database with the Fridays from 1 to 29 May 2026 of two cameras, a frame every
// ten seconds from 6:00 to 16:00 (UTC); door sees none to three people who walk from the left
// to the right in two minutes, through the zone till, and some of whom cross the line entrance.
// On the 15th it was watched until 8:00 alone.
func shop(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	exec := func(sql string) {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	exec("INSERT INTO cameras (name) VALUES ('door'), ('yard')")
	exec(`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, frame_width, frame_height, started_at)
		SELECT id, 'run-' || name, 'stream', 'm', '', 1, 1, 'cpu', 1600, 900, '2026-05-01' FROM cameras`)
	exec("INSERT INTO classes SELECT id, 0, 'person' FROM runs")
	exec(`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
		SELECT at, c.id, c.id, extract(epoch FROM at)::bigint / 10, 0, 0, 0, 1600, 900, k, k
		FROM cameras c, (SELECT d + h * interval '10 s' AS at, d FROM generate_series('2026-05-01 06:00Z'::timestamptz, '2026-05-29 06:00Z', '7 days') d, generate_series(0, 3599) h) s,
		LATERAL (SELECT CASE WHEN c.id = 2 THEN 0 ELSE (extract(hour FROM at AT TIME ZONE 'UTC')::integer * 7 + extract(day FROM at)::integer) % 4 END AS k) k
		WHERE d::date <> '2026-05-15' OR at < '2026-05-15 08:00Z'`)
	pgtest.AddDetections(t, pool, `SELECT captured_at, camera_id, run_id, seq, (extract(epoch FROM captured_at)::bigint / 120 * 4 + i)::integer % 2000000000, i, 0, 0.9 - i * 0.1,
		x - 40, y - 260, x + 40, y, CASE WHEN x > 1000 THEN '{till}'::text[] END
		FROM sightings, LATERAL generate_series(0, people - 1) i,
		LATERAL (SELECT 60 + extract(epoch FROM captured_at)::bigint % 120 * 12.4 AS x, 480 + i * 130 + 50 * sin(extract(epoch FROM captured_at)::float8 / 15) AS y) p`)
	exec(`INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
		SELECT first_at + interval '60 s', camera_id, run_id, extract(epoch FROM first_at)::bigint / 10 + 6, 'entrance', track_id, CASE WHEN track_id % 3 = 0 THEN 'out' ELSE 'in' END, 0, 'person'
		FROM tracks WHERE track_id % 5 < 3 AND last_at > first_at + interval '60 s'`)
	exec("SELECT sightlog_rebuild()")
	exec("UPDATE camera_minutes SET seconds = (1::bigint << 60) - 1, frames = frames * 10, people = people * 10") // the other nine were not stored
	exec("SELECT sightlog_rebuild_half_hours('-infinity')")
	return pool
}

// policy is as strict as that of the server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// serve serves the page with the routes of this package on a database.
func serve(t *testing.T, pool *pgxpool.Pool) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	for _, r := range history.Routes(answer.NewDatabase(pool, 4, time.Minute)) {
		mux.Handle(r.Pattern, r.Handler)
	}
	text := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		})
	}
	text("GET /api/v1/session", `{"role": "admin", "csrf": "c"}`)
	text("GET /api/v1/cameras", `[{"id": "door", "zones": {"till": [[0.6, 0.3], [1, 0.3], [1, 1], [0.6, 1]]}, "lines": {"entrance": [[0.5, 0], [0.5, 1]]}}, {"id": "yard"}]`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

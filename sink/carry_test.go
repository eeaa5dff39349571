package sink_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/sink"
)

// Tables that are rebuilt get the places of those that they replace.
func TestCarryOver_Places_AreThoseOfTheTablesOfBefore(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool, rebuilt := pgtest.Pool(t, url), pgtest.Pool(t, url+"&search_path=rebuilt")
	require.NoError(t, migrations.Up(t.Context(), rebuilt, nil))
	require.NoError(t, sink.StorePlaces(t.Context(), pool, []sink.Place{twoDoors("gone", 0)}))
	require.NoError(t, sink.StorePlaces(t.Context(), pool, []sink.Place{twoDoors("shop", time.Hour), twoDoors("hall", 0)}))
	for range 2 { // an exchange that was not done yet is tried again
		require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return sink.CarryOver(t.Context(), tx, "rebuilt") }))
	}
	const all = "SELECT p.*, l.* FROM places p JOIN place_lines l ON l.place_id = p.id ORDER BY name, camera"
	require.Len(t, pgtest.Lines(t, pool, all), 4)
	require.Equal(t, pgtest.Lines(t, pool, all), pgtest.Lines(t, rebuilt, all))
	require.NoError(t, sink.StorePlaces(t.Context(), rebuilt, []sink.Place{twoDoors("new", 0)}))
}

// Events that nobody has acted on, and the answers of audits, are in the rebuilt tables too, also
// where a camera has another id there. An event that an application is acting on meanwhile is not.
func TestCarryOver_OutboxAndAudits_BelongToTheSameCamera(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool, rebuilt := pgtest.Pool(t, url), pgtest.Pool(t, url+"&search_path=rebuilt")
	require.NoError(t, migrations.Up(t.Context(), rebuilt, nil))
	pgtest.Lines(t, pool, `INSERT INTO cameras (name) VALUES ('porch'), ('yard')`)
	pgtest.Lines(t, rebuilt, `INSERT INTO cameras (name) VALUES ('yard'), ('porch')`)
	pgtest.Lines(t, pool, `INSERT INTO outbox (kind, event_id, camera_id, captured_at, due, payload)
		SELECT 'crossing', 'event ' || n, 1 + n % 2, '2026-05-01', '2026-05-02', jsonb_build_object('track_id', n) FROM generate_series(1, 4) n`)
	pgtest.Lines(t, pool, `INSERT INTO audits (camera_id, line, points, since, until, runs, counted_in, counted_out, stretches, left_out, seed)
		VALUES (2, 'gate', '{0,0,1,1}', '2026-05-01', '2026-05-02', '{r1}', 3, 4, 0, 0, 7)`)
	pgtest.Lines(t, pool, `INSERT INTO audit_answers VALUES (1, 1, 'in', 'r1', '2026-05-01', '2026-05-01', 5, 6, 'right', NULL, NULL)`)
	pgtest.Lines(t, pool, `INSERT INTO audit_results 
		(audit_id, direction, counted, checked, correct, missed, actual, actual_low, actual_high) VALUES (1, 'in', 3, 1, 1, 0, 3, 3, 3)`)

	acting, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer acting.Rollback(context.Background())
	_, err = acting.Exec(t.Context(), "DELETE FROM outbox WHERE id = (SELECT id FROM outbox ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED)")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		done <- pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return sink.CarryOver(t.Context(), tx, "rebuilt") })
	}()
	require.Eventually(t, func() bool {
		return len(pgtest.Lines(t, pool, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass")) > 0
	}, time.Minute, 10*time.Millisecond, "waits for the application")
	require.NoError(t, acting.Commit(t.Context()))
	require.NoError(t, <-done)

	for _, sql := range []string{
		"SELECT o.id, o.kind, event_id, name, captured_at, due, payload FROM outbox o JOIN cameras c ON c.id = camera_id ORDER BY 1",
		"SELECT v.*, a.* FROM v_audits v JOIN audit_answers a ON audit_id = audit",
	} {
		require.NotEmpty(t, pgtest.Lines(t, pool, sql))
		require.Equal(t, pgtest.Lines(t, pool, sql), pgtest.Lines(t, rebuilt, sql))
	}
	require.Len(t, pgtest.Lines(t, rebuilt, "SELECT id FROM outbox"), 3)
	pgtest.Lines(t, pool, "DELETE FROM outbox")
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return sink.CarryOver(t.Context(), tx, "rebuilt") }))
	require.Empty(t, pgtest.Lines(t, rebuilt, "SELECT id FROM outbox"))
	pgtest.Lines(t, rebuilt, "INSERT INTO outbox (kind, event_id, camera_id, captured_at, payload) VALUES ('visit', 'e', 1, now(), '{}')")
	require.Equal(t, []string{"true"}, pgtest.Lines(t, rebuilt, "SELECT id > 4 FROM outbox"), "no id is given twice")
}

package e2e_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// While a camera runs its tables are built again from the log, and exchanged: what was
// spoilt is right again, and no frame is lost or doubled.
func TestReplay_TablesInUse_AreExchangedForRightOnes(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	r := do(t, sightlogd, "replay", "--data", dir)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "nothing runs on it; start it: sightlogd serve")

	p := start(t, sightlog, "run", "--source", "door=test://people?size=160x120&people=2&fps=25", "--data", dir)
	_, url := endpoints(t, dir, p)
	waitRows(t, dir, 60)
	db, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer db.Close(t.Context())
	_, err = db.Exec(t.Context(), "DELETE FROM sightings WHERE seq IN (3, 7); UPDATE camera_minutes SET people = people + 1000")
	require.NoError(t, err)

	out := ok(t, sightlogd, "replay", "--data", dir)
	require.Regexp(t, `(?s)^before   \d+ sightings, .*\nrebuilt  \d+ sightings, .*\nThe tables of before are in schema (sightlog_before_\w+); .*DROP SCHEMA`, out)
	done := count(t, dir)
	waitRows(t, dir, done+30)
	require.Contains(t, ok(t, sightlogd, "replay", "--data", dir), "rebuilt", "a second time")
	waitRows(t, dir, count(t, dir)+10)

	empty := pgtest.Empty(t, "")
	require.Zero(t, p.stop(t).code, p.output)
	from := []string{"--data", dir}
	require.Equal(t, 0, number(t, from, "select max(seq) + 1 - count(*) from sightings"), "each frame once")
	require.Equal(t, 0, number(t, from, "select (select sum(people) from camera_minutes) - (select sum(people) from sightings)"))
	require.Equal(t, 0, number(t, from, "select (select sum(frames) from tracks) - (select count(*) from detections where track_id is not null)"))
	require.Equal(t, 2, number(t, from, "select count(*) from pg_namespace where nspname like 'sightlog_before_%'"))

	// Into another database: nothing is replaced.
	serve := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, serve)
	require.Contains(t, ok(t, sightlogd, "replay", "--data", dir, "--into", empty), " sightings, ")
	require.Equal(t, count(t, dir), number(t, []string{"--database-url", empty}, "select count(*) from sightings"))
	require.Zero(t, serve.stop(t).code, serve.output)
}

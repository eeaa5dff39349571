package e2e_test

import (
	"testing"
	"time"

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
	for range 2 { // in the running minute, too
		out := ok(t, sightlogd, "prove", "--data", dir, "--camera", "door", "--minute", time.Now().UTC().Format(time.RFC3339), "--format", "csv")
		require.Regexp(t, `(?m)^frames,\d+,\d+$`, out)
	}
	db, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer db.Close(t.Context())
	_, err = db.Exec(t.Context(), "DELETE FROM sightings WHERE seq IN (3, 7); UPDATE camera_minutes SET people = people + 1000")
	require.NoError(t, err)

	r = do(t, sightlogd, "prove", "--data", dir, "--camera", "door", "--minute", minute(t, dir))
	require.Equal(t, 1, r.code, r.stdout+r.stderr)
	require.Contains(t, r.stderr, "the tables differ from the log")
	require.Regexp(t, `records  sightings/\d+ \d+ to \d+, \d+ records\nmodels   person-nano [0-9a-f]{64}\ndigest   [0-9a-f]{64}\n`, r.stderr)

	out := ok(t, sightlogd, "replay", "--data", dir)
	require.Regexp(t, `(?s)^before   \d+ sightings, .*\nrebuilt  \d+ sightings, .*\nThe tables of before are in schema (sightlog_before_\w+); .*DROP SCHEMA`, out)
	done := count(t, dir)
	waitRows(t, dir, done+30)
	require.Contains(t, ok(t, sightlogd, "replay", "--data", dir), "rebuilt", "a second time")
	waitRows(t, dir, count(t, dir)+10)
	ok(t, sightlogd, "prove", "--data", dir, "--camera", "door", "--minute", minute(t, dir))
	r = do(t, sightlogd, "prove", "--data", dir, "--camera", "dor", "--minute", minute(t, dir))
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, `--camera "dor" is not in the database; there is door`)

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

// minute is the first minute of the tables.
func minute(t *testing.T, dir string) string {
	t.Helper()
	at, ok := rows(t, []string{"--data", dir}, "select min(minute) as at from camera_minutes")[0]["at"].(string)
	require.True(t, ok)
	return at
}

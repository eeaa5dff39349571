package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// moved is hall with a line elsewhere, one that is gone, one that is new, and a smaller zone.
const moved = `
cameras:
  hall:
    region: [0, 0.1, 1, 1]
    zones:
      left: [[0, 0], [0.3, 0], [0.3, 1], [0, 1]]
      right: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]
    lines:
      middle: [[0.4, 0], [0.45, 1]]
      door: [[0.7, 1], [0.7, 0]]
`

// A past that is counted again with other lines and zones has the rows of a run with
// them, and what was counted at the time is still there.
func TestRecount_MovedLinesAndZones_RowsOfAFreshRun(t *testing.T) {
	t.Parallel()
	files := t.TempDir()
	config := func(name, text string) string {
		path := filepath.Join(files, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	before, after := config("before.yaml", hall), config("after.yaml", moved)
	run := func(config string) (dir string) {
		dir = dataDir(t)
		ok(t, sightlog, "run", "--config", config, "--source", "hall=test://people?frames=160&fps=10", "--data", dir, "--pace", "fast")
		return dir
	}
	dir, fresh := run(before), run(after)
	was := counted(t, dir, "public")
	want := counted(t, fresh, "public")
	require.NotEqual(t, was, want)

	r := do(t, sightlogd, "recount", "--data", dir)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "no zones and lines to count with; give a configuration file")
	r = do(t, sightlogd, "recount", "--data", dir, "--config", after, "--camera", "hal")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "--camera hal has no zones and lines in the configuration file; these have some: hall")

	r = do(t, sightlogd, "recount", "--data", dir, "--config", after, "--format", "csv")
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stderr, "this is recount 1; if it is interrupted, --resume 1 continues it\n")
	require.Contains(t, r.stderr, "recount 1 of 160 sightings, in schema public_recount_")
	require.NotContains(t, r.stderr, "note:")
	schema, _, _ := strings.Cut(r.stderr[strings.Index(r.stderr, "public_recount_"):], ";")
	require.Equal(t, want, counted(t, dir, schema))
	require.Equal(t, was, counted(t, dir, "public"), "nothing of before is changed")
	require.Contains(t, r.stdout, "camera,kind,name,figure,before,recounted\nhall,line,door,in,,")
	require.Regexp(t, `(?m)^hall,line,middle,in,\d+,\d+$`, r.stdout)
	require.Regexp(t, `(?m)^hall,zone,floor,visits,\d+,$`, r.stdout, "it is not defined any more")

	// The reports answer from it, and the definitions of both are there.
	ask := func(dir string, args ...string) string {
		return ok(t, sightlogd, append(append([]string{"query"}, args...), "--data", dir, "--format", "csv")...)
	}
	require.Contains(t, ask(dir, "crossings", "--recount", "1", "--bucket", "1d"), ",door,")
	require.NotContains(t, ask(dir, "crossings", "--bucket", "1d"), ",door,")
	require.Equal(t, lastFields(ask(fresh, "dwell", "--bucket", "1d", "--zone", "right"), 8)[:4], lastFields(ask(dir, "dwell", "--bucket", "1d", "--zone", "right", "--recount", "1"), 8)[:4])
	require.NotEmpty(t, lastFields(ask(dir, "people", "--bucket", "1d", "--zone", "right", "--recount", "1"), 3))
	require.Equal(t, 3, number(t, []string{"--data", dir}, "SELECT count(*) FROM v_definitions WHERE run IS NOT NULL AND valid_from < valid_to"))
	require.Equal(t, 4, number(t, []string{"--data", dir}, "SELECT count(*) FROM v_definitions WHERE recount = 1"))
	r = do(t, sightlogd, "query", "crossings", "--data", dir, "--recount", "2")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "--recount 2 is not in the database")
	ok(t, sightlogd, "recount", "--data", dir, "--drop", "1")
	require.Zero(t, number(t, []string{"--data", dir}, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%recount%'"))
}

// Tracked again with the settings of the run, everything is as in the run: tracks, crossings,
// visits. With a higher threshold the recount has its own of them.
func TestRecount_TrackScore_TracksAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hall.yaml")
	require.NoError(t, os.WriteFile(path, []byte(hall), 0o600))
	dir := dataDir(t)
	ok(t, sightlog, "run", "--config", path, "--source", "hall=test://people?frames=160&fps=10", "--score", "0.6", "--data", dir, "--pace", "fast")
	tracks := func(schema string) string {
		return ok(t, sightlogd, "query", "sql", "--data", dir, "--format", "csv",
			"SELECT track_id, first_at, last_at, label, score, frames, path, thing FROM "+schema+".v_tracks ORDER BY 1")
	}
	recount := func(score string) (schema string) {
		r := do(t, sightlogd, "recount", "--data", dir, "--config", path, "--track-score", score)
		require.Zero(t, r.code, r.stderr)
		schema, _, _ = strings.Cut(r.stderr[strings.Index(r.stderr, "public_recount_"):], ";")
		return schema
	}
	same := recount("0.6")
	require.Equal(t, tracks("public"), tracks(same))
	require.Equal(t, counted(t, dir, "public"), counted(t, dir, same))
	other := recount("0.95")
	require.NotEqual(t, tracks("public"), tracks(other))
	require.NotEmpty(t, tracks(other))
	require.Equal(t, 1, number(t, []string{"--data", dir}, "SELECT count(*) FROM recounts WHERE score = 0.95::real"))
	r := do(t, sightlogd, "recount", "--data", dir, "--config", path, "--track-score", "2")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "--track-score 2")
}

// A recount that is killed answers no questions until it was resumed, and then has the rows of
// one that was not killed.
func TestRecount_Killed_Resumed(t *testing.T) {
	t.Parallel()
	files, url := t.TempDir(), databaseURL(t)
	before, after := filepath.Join(files, "before.yaml"), filepath.Join(files, "after.yaml")
	require.NoError(t, os.WriteFile(before, []byte(hall), 0o600))
	require.NoError(t, os.WriteFile(after, []byte(moved), 0o600))
	from := []string{"--database-url", url}
	with := func(args ...string) []string { return append(args, from...) }
	ok(t, sightlog, with("run", "--config", before, "--source", "hall=test://people?frames=160&fps=10", "--data", dataDir(t), "--pace", "fast")...)
	ok(t, sightlogd, with("recount", "--config", after)...)

	tx, err := pgtest.Pool(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE sightings IN ACCESS EXCLUSIVE MODE") // it will wait to read them
	require.NoError(t, err)
	p := start(t, sightlogd, with("recount", "--config", after)...)
	testenv.Await(t, "the recount to begin", func() bool {
		return p.ended() || strings.Contains(p.output.String(), "this is recount 2; if it is interrupted, --resume 2 continues it")
	})
	p.kill()
	r := do(t, sightlogd, with("query", "crossings", "--recount", "2")...)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "--recount 2 is not complete; wait for it; or, if it was interrupted: sightlogd recount --resume 2")
	require.NoError(t, tx.Rollback(t.Context()))

	r = do(t, sightlogd, with("recount", "--config", before, "--resume", "2")...)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "recount 2 does not count ")
	r = do(t, sightlogd, with("recount", "--config", after, "--resume", "2", "--since", "1h")...)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "--resume 2; give the number of a recount and its file of --config alone")
	ok(t, sightlogd, with("recount", "--config", after, "--resume", "2")...)
	schemas := rows(t, from, "SELECT schema FROM recounts ORDER BY id")
	require.Equal(t, countedIn(t, from, schemas[0]["schema"].(string)), countedIn(t, from, schemas[1]["schema"].(string)))
}

// counted asks for what depends on lines and zones, without the times at which a run began.
func counted(t testing.TB, dir, schema string) string {
	t.Helper()
	return countedIn(t, []string{"--data", dir}, schema)
}

func countedIn(t testing.TB, from []string, schema string) string {
	t.Helper()
	var all strings.Builder
	for _, sql := range []string{
		"SELECT seq, line, direction, track_id, label FROM %s.v_crossings ORDER BY 1, 2, 4",
		"SELECT line, direction, sum(crossings) FROM %s.v_crossing_minutes GROUP BY 1, 2 ORDER BY 1, 2",
		"SELECT zone, sum(people_frames), sum(people), max(max_people) FROM %s.zone_minutes GROUP BY 1 ORDER BY 1",
		"SELECT zone, track_id, dwell, frames FROM %s.v_visits ORDER BY 1, 2, entered_at",
	} {
		out := ok(t, sightlogd, append([]string{"query", "sql", "--format", "csv", fmt.Sprintf(sql, schema)}, from...)...)
		require.Greater(t, strings.Count(out, "\n"), 2, sql)
		all.WriteString(out)
	}
	return all.String()
}

// lastFields returns the last n fields of the last line.
func lastFields(csv string, n int) []string {
	lines := strings.Split(strings.TrimSpace(csv), "\n")
	fields := strings.Split(lines[len(lines)-1], ",")
	return fields[max(0, len(fields)-n):]
}

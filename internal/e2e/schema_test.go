package e2e_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

func TestSchema_OfItsOwn_EveryCommandUsesIt(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "")
	psql := func(url, sql string) string {
		out, err := exec.Command("psql", "-XAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	psql(url, "CREATE TABLE cameras (theirs text)")
	r := do(t, sightlogd, "migrate", "--database-url", url)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "that are not sightlog's: cameras; add --schema sightlog")

	ok(t, sightlogd, "migrate", "--database-url", url, "--schema", "eyes")
	data := dataDir(t)
	serve := start(t, sightlogd, "serve", "--data", data, "--database-url", url, "--schema", "eyes")
	broker, printed := endpoints(t, data, serve)
	ok(t, sightlog, "detect", "--brokers", broker, "--source", "porch=test://people?frames=5", "--pace", "fast")
	require.Eventually(t, func() bool { return psql(printed, "SELECT count(*) FROM sightings") == "5" }, limit, 50*time.Millisecond, "psql at %s", printed)
	for _, args := range [][]string{{"--data", data}, {"--database-url", url, "--schema", "eyes"}, {"--database-url", url + "&schema=eyes"}} {
		require.Contains(t, ok(t, sightlogd, append([]string{"query", "sql", "--format", "csv", "select current_schema(), count(*) from sightings"}, args...)...), "eyes,5", "%v", args)
	}
	require.Equal(t, "0", psql(url, "SELECT count(*) FROM public.cameras"))
	serve.stop(t)

	psql(url, "DROP TABLE public.cameras")
	ok(t, sightlogd, "migrate", "--database-url", url, "--schema", "elsewhere", "--move-from", "eyes")
	require.Equal(t, "0", psql(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'eyes'::regnamespace"))
	require.Contains(t, ok(t, sightlogd, "query", "latest", "--database-url", url, "--schema", "elsewhere"), "porch")
}

// Tables that somebody has edited are a person's mistake, whoever meets them: one line, exit code 2.
func TestSchema_EditedByHand_OneLineAndExitCode2(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := pgtest.Pool(t, url)
	for _, c := range []struct {
		sql, says string
		args      []string
	}{
		{"ALTER TABLE latest_sightings RENAME COLUMN seq TO number", "the tables are not those of this sightlog: column s.seq does not exist; change them back",
			[]string{"query", "latest"}},
		{"UPDATE sightlog_version SET version = -1", `sightlog_version has 1 rows with version "-1"`, []string{"migrate"}},
		{"UPDATE sightlog_version SET version = 3", "says schema 3, but the tables are not so: step 004_comments.sql", []string{"migrate"}},
		{"UPDATE sightlog_version SET version = 9000", "the database has schema 9000, made by a newer sightlog", []string{"migrate"}},
	} {
		_, err := pool.Exec(t.Context(), c.sql)
		require.NoError(t, err)
		r := do(t, sightlogd, append(c.args, "--database-url", url)...)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, c.says)
		require.Equal(t, 1, strings.Count(r.stderr, "sightlogd: "), r.stderr)
	}
	r := do(t, sightlogd, "serve", "--data", dataDir(t), "--database-url", url)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "the database has schema 9000")
}

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

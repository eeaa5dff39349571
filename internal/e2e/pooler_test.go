package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// A pooler in transaction mode gives each transaction of a client to another
// session of the server. A run through it makes the tables and fills them, and
// questions are answered.
func TestRun_ThroughAPooler_EverySightingIsOneRow(t *testing.T) {
	t.Parallel()
	direct := pgtest.Empty(t, "")
	pooled := pgtest.Bouncer(t, direct)
	const frames = 40
	ok(t, sightlog, "run", "--source", "door=test://people?size=64x64&people=1&frames=40", "--pace", "fast",
		"--data", dataDir(t), "--database-url", pooled, "--sinks", "3")
	for range 8 { // in turn on the two sessions that served the run
		require.Zero(t, number(t, []string{"--database-url", pooled}, "select count(*) from pg_prepared_statements"), "a statement has a name, which the other session lacks")
	}
	for _, from := range [][]string{{"--database-url", direct}, {"--database-url", pooled}} {
		require.Equal(t, frames, number(t, from, "select count(*) from sightings"))
		require.Equal(t, frames, number(t, from, "select count(distinct seq) from v_sightings"))
		require.Equal(t, 1, number(t, from, "select count(*) from runs where outcome = 'finished' and frames = 40"))
	}
}

package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// SQL of the user's own runs as the role that can only read, whether the database is
// served by another process or started for the question.
func TestQuerySQL_PrivateDatabase_AsksAsTheReader(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	ok(t, sightlog, "run", "--source", "door=test://people?size=64x64&people=1&frames=5", "--pace", "fast", "--data", dir)
	who := func() any { return rows(t, []string{"--data", dir}, "select session_user::text as name")[0]["name"] }
	require.Equal(t, "sightlog_reader", who())
	p := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, p)
	require.Equal(t, "sightlog_reader", who())
	require.Zero(t, p.stop(t).code, p.output)
}

package postgres_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
)

func TestWhyFailed_ManyLines_TheCause(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		`initdb: error: could not look up effective user ID 4711: user does not exist`: `initdb: error: could not look up effective user ID 4711: user does not exist
`,
		`could not map anonymous shared memory: Cannot allocate memory; This error usually means that PostgreSQL's request exceeded available memory`: `The files belonging to this database system will be owned by user "postgres".
running bootstrap script ... 2026-11-25 12:00:00.000 UTC [12] FATAL:  could not map anonymous shared memory: Cannot allocate memory
2026-11-25 12:00:00.000 UTC [12] HINT:  This error usually means that PostgreSQL's request exceeded available memory.
child process exited with exit code 1
initdb: removing contents of data directory "/x"
`,
		`configuration file "/x/postgresql.conf" contains errors; unrecognized configuration parameter "foo" in file "/x/local.conf" line 1`: `2026-11-25 12:00:00.000 UTC [12] LOG:  unrecognized configuration parameter "foo" in file "/x/local.conf" line 1
2026-11-25 12:00:00.000 GMT [12] FATAL:  configuration file "/x/postgresql.conf" contains errors
`,
		`data directory "/x" has invalid permissions; Permissions should be u=rwx (0700) or u=rwx,g=rx (0750)`: `2026-11-25 12:00:00.000 UTC [12] FATAL:  data directory "/x" has invalid permissions
2026-11-25 12:00:00.000 UTC [12] DETAIL:  Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).
2026-11-25 12:00:00.000 UTC [12] LOG:  database system is shut down
`,
		"no such program": "sh: 1\nno such program\n",
		// Those who connect meanwhile are answered in the form of a failure.
		`could not write to file "pg_wal/xlogtemp.12": No space left on device`: strings.Repeat(`2026-11-26 12:00:00.000 UTC [13] FATAL:  the database system is starting up
2026-11-26 12:00:00.000 UTC [14] FATAL:  the database system is not yet accepting connections
2026-11-26 12:00:00.000 UTC [14] DETAIL:  Consistent recovery state has not been yet reached.
2026-11-26 12:00:00.000 UTC [15] FATAL:  sorry, too many clients already
`, 1000) + `2026-11-26 12:00:01.000 UTC [12] FATAL:  could not write to file "pg_wal/xlogtemp.12": No space left on device
2026-11-26 12:00:01.000 UTC [11] LOG:  startup process (PID 12) exited with exit code 1
2026-11-26 12:00:01.000 UTC [16] FATAL:  the database system is in recovery mode
`,
	} {
		require.Equal(t, want, postgres.FirstFailure(text))
	}
}

// The cause is that of this start: an earlier one's is in the same log.
func TestStartPrivate_SettingThatCannotBe_IsNamed(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	require.NoError(t, start(t, dir).Stop(t.Context()))
	for i, setting := range []string{"no_such_setting = 1", "shared_buffers = many"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "data", "local.conf"), []byte(setting+"\n"), 0o644))
		_, err := postgres.StartPrivate(t.Context(), dir, nil)
		require.ErrorContains(t, err, []string{`unrecognized configuration parameter "no_such_setting"`, `invalid value for parameter "shared_buffers": "many"`}[i], strconv.Itoa(i))
		require.ErrorContains(t, err, "local.conf")
		require.NotContains(t, err.Error(), "\n")
	}
}

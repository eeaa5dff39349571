package e2e_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// The disk of the database is full and that of the log is not: sightings stay in the log,
// which is told everywhere, and reach the tables once when the disk has room. The server
// refuses what needs room, and ends if its own log of writes does.
func TestRun_DatabaseDiskFull_ReportedAndEverySightingArrivesOnce(t *testing.T) {
	t.Parallel()
	const frames = 200
	for name, c := range map[string]struct {
		ends    bool
		problem string
	}{
		"the server refuses": {false, "cannot write to the database: "},
		"the server ends":    {true, "the private database does not start, it is tried again: it ended while starting: its disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			disk, metrics, logDir := diskOf(t, 192), testenv.FreeAddr(t), dataDir(t)
			b := start(t, sightlogd, "broker", "--listen", "127.0.0.1:0", "--data", logDir)
			broker, _ := endpoints(t, logDir, b)
			from := []string{"--data", filepath.Join(disk, "d")}
			p := start(t, sightlog, append([]string{"run", "--source", fmt.Sprintf("door=test://people?size=64x64&fps=25&people=8&frames=%d", frames),
				"--brokers", broker, "--metrics", metrics}, from...)...)
			_, database := endpoints(t, from[1], p)
			awaitHealth(t, p, metrics, http.StatusOK, "ok")
			for number(t, from, "select count(*) from sightings") == 0 {
				require.False(t, p.ended(), p.output)
			}
			free := testenv.FillDisk(t, disk)
			if c.ends {
				writeAhead(t, database)
			}
			awaitHealth(t, p, metrics, http.StatusServiceUnavailable, c.problem)
			awaitHealth(t, p, metrics, http.StatusServiceUnavailable, "sightings/")
			waiting := regexp.MustCompile(`(?m)^sightlog_sink_partition_waiting{partition="\d+",topic="sightings"} 1$`)
			require.Regexp(t, waiting, get(t, "http://"+metrics+"/metrics"))
			line := regexp.MustCompile(`(?m)^\d+ frames .* PROBLEM: .*` + regexp.QuoteMeta(c.problem))
			for !line.MatchString(p.output.String()) {
				require.False(t, p.ended(), p.output)
				letPass(p, 20*time.Millisecond)
			}
			for len(kcat(t, broker)) < frames { // the source is read to its end
				require.False(t, p.ended(), p.output)
			}

			free()
			require.Zero(t, p.wait(t).code, p.output)
			require.Equal(t, frames, number(t, from, "select count(*) from sightings"))
			require.Equal(t, frames, number(t, from, "select count(distinct seq) from sightings"))
			require.Equal(t, 1, number(t, from, fmt.Sprintf("select count(*) from runs where finished_at is not null and frames = %d", frames)))
			require.Zero(t, b.stop(t).code, b.output)
		})
	}
}

// writeAhead fills the server's log of writes, which ends a server that has no room for it.
func writeAhead(t testing.TB, database string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "SELECT count(pg_logical_emit_message(false, 'x', repeat('y', 1000000))) FROM generate_series(1, 200)")
	require.Error(t, err)
}

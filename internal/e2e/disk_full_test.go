package e2e_test

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// diskOf mounts a filesystem of so many MiB and returns its directory.
func diskOf(t testing.TB, mib int) string {
	t.Helper()
	dir := filepath.Dir(dataDir(t))
	testenv.SmallDisk(t, dir, mib)
	return dir
}

// health asks /healthz.
func health(t testing.TB, addr string) (status int, body string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/healthz")
	if errors.Is(err, syscall.ECONNREFUSED) {
		return 0, ""
	}
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// awaitHealth waits for a status and a word in its body.
func awaitHealth(t testing.TB, p *process, addr string, status int, word string) {
	t.Helper()
	var got int
	var body string
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); letPass(p, 20*time.Millisecond) {
		if got, body = health(t, addr); got == status && strings.Contains(body, word) {
			return
		}
		require.False(t, p.ended(), p.output)
	}
	t.Fatalf("/healthz is %d %q, not %d %q\n%s", got, body, status, word, p.output)
}

// A disk that is full is told everywhere, and a run goes on when it has room:
// nothing that was acknowledged is lost, nothing is there twice.
func TestRun_DiskFull_ReportedAndResumes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mib int
		own bool // the database lies on the disk, too
	}{
		"log":              {16, false},
		"log and database": {192, true},
	} {
		t.Run(name, func(t *testing.T) {
			disk := diskOf(t, c.mib)
			dir, metrics := filepath.Join(disk, "d"), testenv.FreeAddr(t)
			from := []string{"--data", dir}
			args := []string{"run", "--source", "door=test://people?size=64x64&fps=25&people=8&frames=300",
				"--data", dir, "--metrics", metrics, "--compression", "none"}
			if !c.own {
				from = []string{"--database-url", databaseURL(t)}
				args = append(args, from...)
			}
			p := start(t, sightlog, args...)
			endpoints(t, dir, p)
			awaitHealth(t, p, metrics, http.StatusOK, "ok")
			for number(t, from, "select count(*) from sightings") == 0 {
				require.False(t, p.ended(), p.output)
			}
			free := testenv.FillDisk(t, disk)
			awaitHealth(t, p, metrics, http.StatusServiceUnavailable, "the disk of the log is full")
			resp, err := http.Get("http://" + metrics + "/metrics")
			require.NoError(t, err)
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Contains(t, string(b), "sightlog_broker_storage_refusing 1\n")
			for !strings.Contains(p.output.String(), "PROBLEM: the disk of the log is full") {
				require.False(t, p.ended(), p.output)
				letPass(p, 20*time.Millisecond)
			}
			require.Contains(t, p.output.String(), `msg="the disk takes no writes`)
			lagging := regexp.MustCompile(`(?m)^sightlog_lag_records [1-9]`) // what detect holds counts
			for !lagging.MatchString(get(t, "http://"+metrics+"/metrics")) {
				require.False(t, p.ended(), p.output)
				letPass(p, 20*time.Millisecond)
			}

			free()
			require.Zero(t, p.wait(t).code, p.output)
			require.NotContains(t, p.output.String(), "another sightlog")
			require.Equal(t, 300, number(t, from, "select count(*) from sightings"))
			require.Equal(t, 1, number(t, from, "select count(*) from runs where finished_at is not null and frames = 300"))
		})
	}
}

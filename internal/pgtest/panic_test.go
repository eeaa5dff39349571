package pgtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// TestServer_TestBinaryPanics_Ends runs this test binary again, which
// starts a server, says its process id and panics.
func TestServer_TestBinaryPanics_Ends(t *testing.T) {
	if os.Getenv("SIGHTLOG_TEST_PANIC") != "" {
		cfg, err := pgx.ParseConfig(pgtest.URL(t))
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join(cfg.Host, "..", "data", "postmaster.pid"))
		require.NoError(t, err)
		pid, _, _ := strings.Cut(string(text), "\n")
		println("postmaster " + pid)
		panic("as tests do")
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "-test.run=^TestServer_TestBinaryPanics_Ends$")
	cmd.Env = append(os.Environ(), "SIGHTLOG_TEST_PANIC=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	m := regexp.MustCompile(`postmaster (\d+)`).FindSubmatch(out)
	require.NotNil(t, m, "%s", out)
	pid, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	limit := time.After(time.Minute)
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-limit:
			require.FailNow(t, "the server lives on")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

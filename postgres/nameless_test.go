package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// OpenShift runs a container as a user id that has no entry in /etc/passwd:
// initdb refuses it, which one line says; a cluster that exists is served. This
// test binary runs again as such a user.
func TestStartPrivate_UserWithoutAName_OneLineOrServed(t *testing.T) {
	const uid, dirEnv = 2_071_981, "SIGHTLOG_TEST_DIR"
	if dir := os.Getenv(dirEnv); dir != "" {
		_, err := postgres.StartPrivate(t.Context(), filepath.Join(dir, "new"), nil)
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, fmt.Sprintf("user id %d, which has no name on this machine; give --database-url", uid))

		p, err := postgres.StartPrivate(t.Context(), filepath.Join(dir, "made"), nil)
		require.NoError(t, err)
		defer p.Stop(context.Background())
		require.Equal(t, "1", ask(t, p.URL(), "SELECT '1'"))
		return
	}
	if os.Geteuid() != 0 {
		testenv.Skip(t, "not root: only root runs a program as another user")
	}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		testenv.Skip(t, fmt.Sprintf("user id %d is %s here", uid, u.Username))
	}
	t.Parallel()
	dir := pgtest.Dir(t)
	made := filepath.Join(dir, "made")
	p := start(t, made)
	require.NoError(t, p.Stop(t.Context()))
	out, err := exec.Command("chown", "-R", strconv.Itoa(uid), dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	exe, err := os.ReadFile("/proc/self/exe") // where go puts it, others may not enter
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "test"), exe, 0o755))

	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "test"), "-test.run=^TestStartPrivate_UserWithoutAName_OneLineOrServed$", "-test.timeout=3m")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid}}
	cmd.Env = append(os.Environ(), dirEnv+"="+dir)
	out, err = cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

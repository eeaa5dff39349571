package postgres_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
)

// A container's /dev/shm may be missing, read-only, or small (docker's has
// 64 MB): the server starts, and its processes share a hash table that is larger.
// This test binary runs again where /dev/shm is like that.
func TestStartPrivate_SharedMemoryOfAContainer_LargeJoinWorks(t *testing.T) {
	const kindEnv, dirEnv = "SIGHTLOG_TEST_SHM", "SIGHTLOG_TEST_DIR"
	if kind := os.Getenv(kindEnv); kind != "" {
		limitSharedMemory(t, kind, os.Getenv(dirEnv))
		joinInParallel(t, os.Getenv(dirEnv))
		return
	}
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	dir := pgtest.Dir(t)
	for _, kind := range []string{"missing", "read-only", "small"} { // the first makes the cluster
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestStartPrivate_SharedMemoryOfAContainer_LargeJoinWorks$", "-test.timeout=3m")
		cmd.SysProcAttr = testenv.Namespaces(t, syscall.CLONE_NEWNS)
		cmd.Env = append(os.Environ(), kindEnv+"="+kind, dirEnv+"="+dir)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", kind, out)
	}
}

// limitSharedMemory changes /dev/shm in the mount namespace of this process.
func limitSharedMemory(t *testing.T, kind, dir string) {
	t.Helper()
	mount := func(at string, flags uintptr, data string) {
		require.NoError(t, syscall.Mount("tmpfs", at, "tmpfs", flags, data))
	}
	switch kind {
	case "read-only":
		mount("/dev/shm", syscall.MS_RDONLY, "")
	case "small":
		mount("/dev/shm", 0, "size=8m")
	case "missing":
		dev := filepath.Join(dir, "dev")
		require.NoError(t, os.Mkdir(dev, 0o755))
		mount(dev, 0, "")
		out, err := exec.Command("cp", "-a", "/dev/null", "/dev/zero", "/dev/urandom", dev).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NoError(t, syscall.Mount(dev, "/dev", "", syscall.MS_BIND, ""))
		require.NoDirExists(t, "/dev/shm")
	}
}

// joinInParallel starts the server of dir and makes two of its processes share a
// hash table of some 16 MB.
func joinInParallel(t *testing.T, dir string) {
	t.Helper()
	p, err := postgres.StartPrivate(t.Context(), dir, nil)
	require.NoError(t, err)
	defer p.Stop(context.Background())
	conn, err := pgx.Connect(t.Context(), p.URL())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for _, sql := range []string{
		"CREATE TABLE IF NOT EXISTS a AS SELECT i, md5(i::text) AS h FROM generate_series(1, 200000) i",
		"ANALYZE a",
		"SET enable_mergejoin = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET work_mem = '64MB'",
	} {
		_, err = conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	const join = "SELECT count(*) FROM a JOIN a b USING (h)"
	rows, err := conn.Query(t.Context(), "EXPLAIN "+join)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Regexp(t, "Parallel Hash", plan, "else it is no test of shared memory")
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), join).Scan(&n))
	require.Equal(t, 200_000, n)
}

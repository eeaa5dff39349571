package postgres_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// start starts the private server of dir and stops it when the test ends.
func start(t *testing.T, dir string) *postgres.Private {
	t.Helper()
	p, err := postgres.StartPrivate(t.Context(), dir, nil)
	if usage.Is(err) && strings.Contains(err.Error(), "installed") {
		testenv.Skip(t, err.Error())
	}
	require.NoError(t, err)
	t.Cleanup(func() { p.Stop(context.Background()) })
	return p
}

func runSQL(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func ask(t *testing.T, url, sql string) (s string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&s))
	return s
}

func TestPrivate_Restarted_RowsKept(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	runSQL(t, p.URL(), "CREATE TABLE kept AS SELECT 'yes' AS answer")
	require.NoError(t, p.Stop(t.Context()))
	_, err := pgx.Connect(t.Context(), p.URL())
	require.Error(t, err, "stopped means gone")

	p = start(t, dir)
	require.Equal(t, "yes", ask(t, p.URL(), "SELECT answer FROM kept"))
}

func TestPrivate_Settings_DurableAndSocketOnly(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "", "TimeZone": "UTC", "server_encoding": "UTF8",
	} {
		require.Equal(t, want, ask(t, p.URL(), "SELECT current_setting('"+setting+"')"), setting)
	}
	require.Equal(t, "off", ask(t, p.URL(), "SELECT current_setting('is_superuser')"))

	cfg, err := pgx.ParseConfig(p.URL())
	require.NoError(t, err)
	fi, err := os.Stat(cfg.Host)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), fi.Mode().Perm())
	require.LessOrEqual(t, len(cfg.Host)+len("/.s.PGSQL.5432"), 107)
}

func TestPrivate_ServerOutlivedParent_FoundAgain(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	first := start(t, dir)
	runSQL(t, first.URL(), "CREATE TABLE kept AS SELECT 'yes' AS answer")
	first.Abandon() // as when its process is killed: only the lock goes

	second := start(t, dir)
	require.Equal(t, first.PID(), second.PID())
	require.Equal(t, "yes", ask(t, second.URL(), "SELECT answer FROM kept"))
	require.NoError(t, second.Stop(t.Context()))
	<-first.Exited() // it is our child, so nobody else takes its exit status
	require.ErrorIs(t, syscall.Kill(first.PID(), 0), syscall.ESRCH)
}

func TestPrivate_ServerKilled_StartedAgainWithAllRows(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	runSQL(t, p.URL(), "CREATE TABLE kept AS SELECT 'yes' AS answer")
	conn, err := pgx.Connect(t.Context(), p.URL()) // a session that holds the shared memory
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, syscall.Kill(p.PID(), syscall.SIGKILL))
	p.Abandon()

	again := start(t, dir)
	require.NotEqual(t, p.PID(), again.PID())
	require.Equal(t, "yes", ask(t, again.URL(), "SELECT answer FROM kept"))
}

func TestPrivate_StalePIDFileOfOtherProcess_NoServer(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	pidFile := filepath.Join(dir, "postgres", "data", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	require.NoError(t, p.Stop(t.Context()))
	// The machine was reset, and the number now belongs to us.
	_, rest, _ := strings.Cut(string(text), "\n")
	require.NoError(t, os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"+rest), 0o644))

	_, err = postgres.Attach(t.Context(), dir)
	require.ErrorIs(t, err, postgres.ErrNotRunning)
	p = start(t, dir)
	require.NotEqual(t, os.Getpid(), p.PID())
}

func TestPrivate_HalfMadeCluster_CreatedAgain(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	making := filepath.Join(dir, "postgres", "data.new", "base")
	require.NoError(t, os.MkdirAll(making, 0o700))
	p := start(t, dir)
	require.Equal(t, "1", ask(t, p.URL(), "SELECT '1'"))
	require.NoDirExists(t, filepath.Dir(making))
}

func TestPrivate_DatabaseMissing_Created(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	runSQL(t, p.SuperURL(), "DROP DATABASE sightlog") // as if killed between initdb and here
	require.NoError(t, p.Stop(t.Context()))
	p = start(t, dir)
	require.Equal(t, "sightlog", ask(t, p.URL(), "SELECT current_database()"))
}

func TestPrivate_DirectoryInUse_UsageError(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	start(t, dir)
	_, err := postgres.StartPrivate(t.Context(), dir, nil)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "in use by another sightlog")
}

func TestAttach_ServerRuns_NoneStarted(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	_, err := postgres.Attach(t.Context(), dir)
	require.ErrorIs(t, err, postgres.ErrNotRunning)

	p := start(t, dir)
	url, err := postgres.Attach(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, p.URL(), url)
	require.Equal(t, "1", ask(t, url, "SELECT '1'"))

	require.NoError(t, p.Stop(t.Context()))
	_, err = postgres.Attach(t.Context(), dir)
	require.ErrorIs(t, err, postgres.ErrNotRunning)
}

func TestPrivate_ClusterOfAbsentVersion_Refused(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	require.NoError(t, p.Stop(t.Context()))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "data", "PG_VERSION"), []byte("99\n"), 0o600))
	_, err := postgres.StartPrivate(t.Context(), dir, nil)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "made by PostgreSQL 99, which is not installed; install that version")
}

func TestPrivate_DataDirectoryIsAFile_Refused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(pgtest.Dir(t), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := postgres.StartPrivate(t.Context(), file, nil)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "cannot be written: not a directory")
}

func TestSocket_LongPath_InAShortDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), strings.Repeat("long", 30))
	p := start(t, dir)
	cfg, err := pgx.ParseConfig(p.URL())
	require.NoError(t, err)
	require.LessOrEqual(t, len(cfg.Host)+len("/.s.PGSQL.5432"), 107)
	fi, err := os.Stat(cfg.Host)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), fi.Mode().Perm())
	url, err := postgres.Attach(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, "1", ask(t, url, "SELECT '1'"))
	require.NoError(t, p.Stop(t.Context()))
	require.NoDirExists(t, cfg.Host)
}

func TestClusterDir_UnreachableForServerUser_Elsewhere(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another user")
	}
	t.Parallel()
	closed := pgtest.Dir(t)
	require.NoError(t, os.Chmod(closed, 0o700))
	dir := filepath.Join(closed, "data")
	p := start(t, dir)
	location, err := os.ReadFile(filepath.Join(dir, "postgres.location"))
	require.NoError(t, err)
	clusterDir := strings.TrimSpace(string(location))
	t.Cleanup(func() { os.RemoveAll(clusterDir) })
	require.Equal(t, "/var/lib/sightlog", filepath.Dir(clusterDir))
	runSQL(t, p.URL(), "CREATE TABLE kept AS SELECT 'yes' AS answer")
	url, err := postgres.Attach(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, p.URL(), url)
	require.NoError(t, p.Stop(t.Context()))
	p = start(t, dir)
	require.Equal(t, "yes", ask(t, p.URL(), "SELECT answer FROM kept"))
	require.NoError(t, p.Stop(t.Context()))
}

func TestStop_OpenSessions_NotWaitedFor(t *testing.T) {
	t.Parallel()
	p := start(t, pgtest.Dir(t))
	conn, err := pgx.Connect(t.Context(), p.URL())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	require.NoError(t, p.Stop(t.Context()))
}

func TestStop_ContextEnded_StillStops(t *testing.T) {
	t.Parallel()
	p := start(t, pgtest.Dir(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	require.NoError(t, p.Stop(ctx))
	_, err := net.Dial("unix", strings.TrimPrefix(p.URL(), "x"))
	require.Error(t, err)
	require.ErrorIs(t, syscall.Kill(p.PID(), 0), syscall.ESRCH)
}

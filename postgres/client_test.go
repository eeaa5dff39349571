package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
)

// TestPrivateClient_Environment_HasNoSay runs this test binary again, with each
// of the variables that bend a client of PostgreSQL, and once with all of them
// from the first start on.
func TestPrivateClient_Environment_HasNoSay(t *testing.T) {
	const here = "SIGHTLOG_TEST_ENVIRONMENT"
	if dir := os.Getenv(here); dir != "" {
		useServer(t, dir)
		return
	}
	variables := []string{"PGHOST=192.0.2.1", "PGPORT=x", "PGUSER=nobody", "PGDATABASE=none", "PGSERVICE=none", "PGSERVICEFILE=/nowhere", "PGOPTIONS=-csearch_path=none",
		"PGSSLMODE=verify-full", "PGSSLCERTMODE=x", "PGSSLROOTCERT=/nowhere", "PGTARGETSESSIONATTRS=standby", "PGTARGETSESSIONATTRS=x", "PGCHANNELBINDING=require",
		"PGREQUIREAUTH=scram-sha-256", "PGCONNECT_TIMEOUT=x", "PGMINPROTOCOLVERSION=9", "PGTZ=nowhere", "PGPASSFILE=/nowhere", "PGAPPNAME=x"}
	dir := pgtest.Dir(t)
	start(t, dir)
	exe, err := os.Executable()
	require.NoError(t, err)
	again := func(dir string, variables ...string) {
		cmd := exec.Command(exe, "-test.run=^TestPrivateClient_Environment_HasNoSay$")
		cmd.Env = append(append(os.Environ(), here+"="+dir), variables...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", variables, out)
	}
	for _, one := range variables {
		again(dir, one)
	}
	again(pgtest.Dir(t), variables...)
}

// useServer asks the server of dir, which it starts where none runs.
func useServer(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	url, err := postgres.Attach(ctx, dir)
	if errors.Is(err, postgres.ErrNotRunning) {
		p, err := postgres.StartPrivate(ctx, dir, nil)
		require.NoError(t, err)
		defer p.Stop(context.Background())
		url = p.URL()
	} else {
		require.NoError(t, err)
	}
	pool, err := postgres.Open(ctx, url, postgres.Options{})
	require.NoError(t, err)
	defer pool.Close()
	var path string
	require.NoError(t, pool.QueryRow(ctx, "SHOW search_path").Scan(&path))
	require.Equal(t, `"$user", public`, path)
}

func TestStartPrivate_SignsInThePath_Served(t *testing.T) {
	for _, name := range []string{"a b", "a+b", "a%20b", "a,b", "a'b", `a"b`, `a\b`, "a&b=c", "a#b?c", "a;b*$c", " a ", "ü門", "a@b:c"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(pgtest.Dir(t), name)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // it used to wait for ever
			defer cancel()
			p, err := postgres.StartPrivate(ctx, dir, nil)
			require.NoError(t, err)
			t.Cleanup(func() { p.Stop(context.Background()) })
			require.Equal(t, "1", ask(t, p.URL(), "SELECT '1'"))
			url, err := postgres.Attach(ctx, dir)
			require.NoError(t, err)
			require.Equal(t, p.URL(), url)
			require.NoError(t, p.Stop(t.Context()))
		})
	}
}

// A server that is stopped in its tracks answers nobody: that is said, and the
// wait ends with its context.
func TestStartPrivate_SilentServer_WaitIsSaid(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	require.NoError(t, syscall.Kill(p.PID(), syscall.SIGSTOP))
	t.Cleanup(func() { syscall.Kill(p.PID(), syscall.SIGCONT) })
	p.Abandon()
	ctx, cancel := context.WithCancel(t.Context())
	said := &watchLog{words: "waiting for the private database", found: cancel}
	_, err := postgres.StartPrivate(ctx, dir, slog.New(slog.NewTextHandler(said, nil)))
	require.ErrorIs(t, err, context.Canceled)
	require.Contains(t, said.text.String(), "waiting for the private database to take connections")
}

type watchLog struct {
	words string
	found func()
	text  bytes.Buffer
}

func (w *watchLog) Write(b []byte) (int, error) {
	w.text.Write(b)
	if strings.Contains(w.text.String(), w.words) {
		w.found()
	}
	return len(b), nil
}

// An error that waiting cannot fix is returned at once, not retried.
func TestStartPrivate_RoleThatMayNotConnect_Error(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := start(t, dir)
	runSQL(t, p.SuperURL(), "REVOKE CONNECT ON DATABASE sightlog FROM PUBLIC")
	require.NoError(t, p.Stop(t.Context()))
	_, err := postgres.StartPrivate(t.Context(), dir, nil)
	require.ErrorContains(t, err, "permission denied for database")
}

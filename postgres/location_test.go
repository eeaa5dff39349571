package postgres_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// copyDir copies a directory with all that belongs to it, as users do.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	out, err := exec.Command("cp", "-a", from, to).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func socketOf(t *testing.T, url string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	return filepath.Join(cfg.Host, ".s.PGSQL.5432")
}

// The socket of a long path lies elsewhere, and a copy of the directory names
// the original's.
func TestStartPrivate_CopyOfALongPath_HasASocketOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), strings.Repeat("long", 30), "d")
	original := start(t, dir)
	runSQL(t, original.URL(), "CREATE TABLE whose AS SELECT 'the original''s' AS answer")
	runSQL(t, original.SuperURL(), "CHECKPOINT")
	at := filepath.Dir(dir) + "/copy"
	copyDir(t, dir, at)
	require.NoError(t, os.Remove(at+"/postgres/data/postmaster.pid"))

	_, err := postgres.Attach(t.Context(), at)
	require.ErrorIs(t, err, postgres.ErrNotRunning)
	second, err := postgres.StartPrivate(t.Context(), at, nil)
	require.NoError(t, err)
	require.NotEqual(t, socketOf(t, original.URL()), socketOf(t, second.URL()))
	runSQL(t, second.URL(), "UPDATE whose SET answer = 'the copy''s'")
	require.Equal(t, "the original's", ask(t, original.URL(), "SELECT answer FROM whose"))
	require.NoError(t, second.Stop(t.Context()))
	require.Equal(t, "the original's", ask(t, original.URL(), "SELECT answer FROM whose"), "its socket is still there")
	require.NoError(t, original.Stop(t.Context()))
}

// A directory that is renamed keeps what it names; also one of an older program,
// which did not write whose it is.
func TestStartPrivate_RenamedLongPath_Starts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), strings.Repeat("long", 30), "d")
	p := start(t, dir)
	runSQL(t, p.URL(), "CREATE TABLE kept AS SELECT 'yes' AS answer")
	require.NoError(t, p.Stop(t.Context()))
	require.NoError(t, os.WriteFile(dir+"/postgres/run.location", []byte("/tmp/sightlog-1\n"), 0o644))
	require.NoError(t, os.Rename(dir, dir+"2"))
	p = start(t, dir+"2")
	require.Equal(t, "yes", ask(t, p.URL(), "SELECT answer FROM kept"))
	require.NoError(t, p.Stop(t.Context()))
}

// answerInstead makes the server on one socket answer on another in its place.
func answerInstead(t *testing.T, server, socket string) {
	t.Helper()
	require.NoError(t, os.Remove(socket))
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	require.NoError(t, os.Chmod(socket, 0o777))
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", server)
			if err != nil {
				return
			}
			go pipe(client, server)
			go pipe(server, client)
		}
	}()
}

// Whoever connects asks whose server answers.
func TestAttach_ServerOfAnotherDirectory_Refused(t *testing.T) {
	t.Parallel()
	one, other := start(t, pgtest.Dir(t)), pgtest.Dir(t)
	two := start(t, other)
	answerInstead(t, socketOf(t, one.URL()), socketOf(t, two.URL()))
	_, err := postgres.Attach(t.Context(), other)
	require.ErrorIs(t, err, postgres.ErrForeign)
	require.ErrorContains(t, err, "is that of the server of ")
}

// A server whose directory was moved away still names its path; its cluster is another one.
func TestAttach_ServerOfTheDirectoryThatLayThere_Refused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), "d")
	before := start(t, dir)
	url, err := postgres.Attach(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, before.URL(), url)
	require.NoError(t, os.Rename(dir, dir+"2"))
	now := start(t, dir)
	socket := socketOf(t, now.URL())
	answerInstead(t, strings.Replace(socket, dir, dir+"2", 1), socket)
	_, err = postgres.Attach(t.Context(), dir)
	require.ErrorIs(t, err, postgres.ErrForeign)
	require.ErrorContains(t, err, "another cluster")
}

// Root's directory that the server's user cannot reach has its database
// elsewhere, and a copy of it names the original's.
func TestStartPrivate_CopyOfADirectoryWithItsDatabaseElsewhere_Refused(t *testing.T) {
	serverUser(t)
	t.Parallel()
	closed := pgtest.Dir(t)
	require.NoError(t, os.Chmod(closed, 0o700))
	dir := filepath.Join(closed, "data")
	p := start(t, dir)
	location, err := os.ReadFile(dir + "/postgres.location")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(strings.TrimSpace(string(location))) })
	require.NoError(t, p.Stop(t.Context()))

	copyDir(t, dir, closed+"/copy")
	_, err = postgres.StartPrivate(t.Context(), closed+"/copy", nil)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "/copy is a copy: its database in ")
	require.ErrorContains(t, err, "is that of "+dir)
	_, err = postgres.Attach(t.Context(), closed+"/copy")
	require.True(t, usage.Is(err), "%v", err)

	// Under another name it is the same directory.
	require.NoError(t, os.Rename(dir, dir+"2"))
	require.NoError(t, start(t, dir+"2").Stop(t.Context()))
	copyDir(t, dir+"2", dir)
	_, err = postgres.StartPrivate(t.Context(), dir, nil)
	require.ErrorContains(t, err, "is a copy")

	// A link does the same as the file.
	linked := closed + "/linked"
	require.NoError(t, os.Mkdir(linked, 0o755))
	require.NoError(t, os.Symlink(strings.TrimSpace(string(location)), linked+"/postgres"))
	_, err = postgres.StartPrivate(t.Context(), linked, nil)
	require.ErrorContains(t, err, "is a copy")
}

func TestIdentify_DatabaseOfAnotherDirectory_RefusedUntilAdopted(t *testing.T) {
	t.Parallel()
	p := start(t, pgtest.Dir(t))
	require.NoError(t, p.Identify(t.Context(), "one-1", false))
	require.NoError(t, p.Identify(t.Context(), "one-1", false))
	err := p.Identify(t.Context(), "two_2", false)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorIs(t, err, postgres.ErrForeign)
	require.NoError(t, p.Identify(t.Context(), "two_2", true))
	require.Equal(t, "two_2", ask(t, p.URL(), "SELECT current_setting('sightlog.directory')"))
	require.Error(t, p.Identify(t.Context(), "one-1", false))
}

// The directory of clusters elsewhere is passed through by the server's user,
// whatever the umask.
func TestStartPrivate_Umask077AsRoot_LaterRunsReachTheirDatabase(t *testing.T) {
	serverUser(t)
	closed := pgtest.Dir(t)
	require.NoError(t, os.Chmod(closed, 0o700))
	state := filepath.Join(pgtest.Dir(t), "state")
	t.Cleanup(postgres.SetFallbackRoot(state))
	old := syscall.Umask(0o077)
	p, err := postgres.StartPrivate(t.Context(), closed+"/data", nil)
	syscall.Umask(old)
	require.NoError(t, err)
	require.NoError(t, p.Stop(context.Background()))
	fi, err := os.Stat(state)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o055), fi.Mode().Perm()&0o055)

	require.NoError(t, os.Chmod(state, 0o700)) // as an older program left it
	p = start(t, closed+"/data")
	require.NoError(t, p.Stop(t.Context()))
}

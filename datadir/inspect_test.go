package datadir_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
)

// inspect returns what Inspect says, a line a part, BAD where it is an error.
func inspect(t *testing.T, dir string) string {
	t.Helper()
	var lines strings.Builder
	for _, f := range datadir.Inspect(t.Context(), dir) {
		if f.Err != nil {
			f.Says = "BAD " + f.Err.Error()
		}
		lines.WriteString(f.Part + ": " + f.Says + "\n")
	}
	return lines.String()
}

// used makes a data directory with a log and a database.
func used(t *testing.T, dir string) {
	t.Helper()
	d, err := datadir.Open(dir)
	require.NoError(t, err)
	b, err := d.OpenBroker(broker.Config{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	require.NoError(t, b.Close())
	p, err := postgres.StartPrivate(t.Context(), dir, nil)
	if err != nil && strings.Contains(err.Error(), "installed") {
		testenv.Skip(t, err.Error())
	}
	require.NoError(t, err)
	require.NoError(t, p.Stop(t.Context()))
	require.NoError(t, d.Close())
}

func TestInspect_DataDirectories_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	top := pgtest.Dir(t)
	dir := filepath.Join(top, "d")
	require.Contains(t, inspect(t, dir), "data: "+dir+" can be created, ")
	require.NoDirExists(t, dir)

	used(t, dir)
	says := inspect(t, dir)
	require.NotContains(t, says, "BAD")
	require.Contains(t, says, "nothing runs on it")
	require.Regexp(t, `space: \d+ MiB are free`, says)
	require.Regexp(t, `database: PostgreSQL \d+ in `+dir+`/postgres, socket in it, no server runs`, says)

	copyDir(t, dir, dir+"-copy")
	require.Contains(t, inspect(t, dir+"-copy"), "data: BAD --data "+dir+"-copy: is a copy of "+dir)

	require.NoError(t, os.WriteFile(dir+"/postgres/data/PG_VERSION", []byte("99\n"), 0o600))
	require.Contains(t, inspect(t, dir), "database: BAD the private database was made by PostgreSQL 99, which is not installed")

	long := filepath.Join(top, strings.Repeat("long", 30), "d")
	used(t, long)
	require.Contains(t, inspect(t, long), "too long or not plain enough for a socket")
}

func TestInspect_FilesOfAnotherUser_SaysHowToGiveThemBack(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		testenv.Skip(t, "not root: only root can give files away")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		testenv.Skip(t, err.Error())
	}
	dir := filepath.Join(pgtest.Dir(t), "d")
	used(t, dir)
	uid := 65534
	require.NoError(t, os.Chown(dir+"/sightlog.json", uid, -1))
	says := inspect(t, dir)
	require.Contains(t, says, "owner: BAD --data "+dir+": belongs to user "+nobody.Username+", but lock to user id 0; sudo chown -R ")
}

// What keeps a user from working in a directory, and a disk that is nearly full, are said
// before they stop a run.
func TestInspect_NotWritableOrFull_SaysSo(t *testing.T) {
	t.Parallel()
	if where := os.Getenv("SIGHTLOG_TEST_INSPECT"); where != "" { // the child of below
		if filepath.Base(where) == "full" {
			d, err := datadir.Open(where)
			require.NoError(t, err)
			require.NoError(t, d.Close())
		}
		fmt.Print(inspect(t, where))
		return
	}
	if os.Geteuid() != 0 {
		testenv.Skip(t, "not root: only root can be another user and mount a small disk")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	child := func(dir string, attr *syscall.SysProcAttr, before string) string {
		cmd := exec.Command("sh", "-c", before+`exec "$0" -test.run='^TestInspect_NotWritableOrFull_SaysSo$'`, self, dir)
		cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", append(os.Environ(), "SIGHTLOG_TEST_INSPECT="+dir), attr
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	closed := pgtest.Dir(t)
	require.NoError(t, os.Chmod(closed, 0o755))
	// The test's program has to be where another user can run it.
	text, err := os.ReadFile(self)
	require.NoError(t, err)
	self = filepath.Join(closed, "test")
	require.NoError(t, os.WriteFile(self, text, 0o755))
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	require.Contains(t, child(closed+"/new", nobody, ""), "data: BAD --data "+closed+"/new: not writable; give a directory you may write to")

	full := filepath.Join(closed, "full")
	require.NoError(t, os.Mkdir(full, 0o755))
	says := child(full, testenv.Namespaces(t, syscall.CLONE_NEWNS), `mount -t tmpfs -o size=64m full "$1" && `)
	require.Regexp(t, `space: BAD --data `+full+`: \d+ MiB are free on its disk; .*make room`, says)
}

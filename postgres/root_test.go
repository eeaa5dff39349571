package postgres_test

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// serverUser is the user that root runs the server as; who is not root skips.
func serverUser(t *testing.T) (uid, gid int) {
	t.Helper()
	if os.Geteuid() != 0 {
		testenv.Skip(t, "not root: only root works in directories of the server's user")
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		testenv.Skip(t, err.Error())
	}
	uid, err = strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err = strconv.Atoi(u.Gid)
	require.NoError(t, err)
	return uid, gid
}

// root's is a directory of root's with a file, which must stay as they are.
type victim struct{ dir, file string }

func makeVictim(t *testing.T) victim {
	t.Helper()
	dir := filepath.Join(pgtest.Dir(t), "victim")
	v := victim{dir, filepath.Join(dir, "file")}
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(v.file, []byte("of root alone"), 0o644))
	return v
}

func (v victim) unharmed(t *testing.T) {
	t.Helper()
	for path, mode := range map[string]os.FileMode{v.dir: 0o755 | os.ModeDir, v.file: 0o644} {
		fi, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, mode, fi.Mode(), path)
		require.Zero(t, fi.Sys().(*syscall.Stat_t).Uid, path)
	}
	text, err := os.ReadFile(v.file)
	require.NoError(t, err)
	require.Equal(t, "of root alone", string(text))
	names, err := os.ReadDir(v.dir)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing was made in it")
}

func TestStartPrivate_LinkOfTheServersUser_RootIsNotLed(t *testing.T) {
	uid, gid := serverUser(t)
	link := func(to, at string) error {
		_ = os.Rename(at, at+".away") // where there is one
		if err := os.Symlink(to, at); err != nil {
			return err
		}
		return os.Lchown(at, uid, gid)
	}
	pipe := func(at string) error {
		_ = os.Rename(at, at+".away")
		if err := syscall.Mkfifo(at, 0o600); err != nil {
			return err
		}
		return os.Lchown(at, uid, gid)
	}
	for name, attack := range map[string]func(data, clusterDir string, v victim) error{
		"run":         func(_, clusterDir string, v victim) error { return link(v.dir, clusterDir+"/run") },
		"run to file": func(_, clusterDir string, v victim) error { return link(v.file, clusterDir+"/run") },
		"data":        func(_, clusterDir string, v victim) error { return link(v.dir, clusterDir+"/data") },
		"log":         func(_, clusterDir string, v victim) error { return link(v.file, clusterDir+"/server.log") },
		"log, new":    func(_, clusterDir string, v victim) error { return link(v.dir+"/new", clusterDir+"/server.log") },
		"log, pipe":   func(_, clusterDir string, v victim) error { return pipe(clusterDir + "/server.log") },
		"log, same file": func(_, clusterDir string, v victim) error {
			_ = os.Remove(clusterDir + "/server.log")
			return os.Link(v.file, clusterDir+"/server.log")
		},
		"lock":          func(_, clusterDir string, v victim) error { return link(v.file, clusterDir+"/lock") },
		"lock, new":     func(_, clusterDir string, v victim) error { return link(v.dir+"/new", clusterDir+"/lock") },
		"version":       func(_, clusterDir string, v victim) error { return link(v.file, clusterDir+"/data/PG_VERSION") },
		"version, pipe": func(_, clusterDir string, v victim) error { return pipe(clusterDir + "/data/PG_VERSION") },
		"settings":      func(_, clusterDir string, v victim) error { return link(v.file, clusterDir+"/data/postgresql.conf") },
		"settings, same file": func(_, clusterDir string, v victim) error {
			_ = os.Remove(clusterDir + "/data/postgresql.conf")
			return os.Link(v.file, clusterDir+"/data/postgresql.conf")
		},
		"settings, being written": func(_, clusterDir string, v victim) error {
			return link(v.file, clusterDir+"/data/postgresql.conf.new")
		},
		"process id":       func(_, clusterDir string, v victim) error { return link(v.file, clusterDir+"/data/postmaster.pid") },
		"process id, pipe": func(_, clusterDir string, v victim) error { return pipe(clusterDir + "/data/postmaster.pid") },
		"half made": func(_, clusterDir string, v victim) error {
			_ = os.Rename(clusterDir+"/data", clusterDir+"/away")
			return link(v.dir, clusterDir+"/data.new")
		},
		"home": func(data, clusterDir string, v victim) error { return link(v.dir, clusterDir) },
		"location": func(data, clusterDir string, v victim) error {
			_ = os.Rename(clusterDir, clusterDir+".away")
			return os.WriteFile(data+"/postgres.location", []byte(v.dir+"\n"), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, v := pgtest.Dir(t), makeVictim(t)
			p := start(t, data)
			require.NoError(t, p.Stop(t.Context()))
			require.NoError(t, attack(data, filepath.Join(data, "postgres"), v))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // one that is led to a pipe waits for ever
			defer cancel()
			p, err := postgres.StartPrivate(ctx, data, nil)
			v.unharmed(t)
			if err != nil {
				require.NoError(t, ctx.Err())
				require.NotContains(t, err.Error(), "\n")
				require.NotContains(t, err.Error(), "of root alone", "nor is it shown what is in it")
				return
			}
			require.NoError(t, p.Stop(t.Context()))
			v.unharmed(t)
		})
	}
}

func TestSocketLocation_LinkOrForeignDirectory_RootIsNotLed(t *testing.T) {
	serverUser(t)
	for name, attack := range map[string]func(at string, v victim) error{
		"link":              func(at string, v victim) error { return os.Symlink(v.file, at) },
		"link, new":         func(at string, v victim) error { return os.Symlink(v.dir+"/new", at) },
		"foreign directory": func(at string, v victim) error { return os.WriteFile(at, []byte(v.dir), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, v := filepath.Join(pgtest.Dir(t), strings.Repeat("long", 30)), makeVictim(t)
			p := start(t, data)
			require.NoError(t, p.Stop(t.Context()))
			require.NoError(t, attack(filepath.Join(data, "postgres", "run.location"), v))
			p = start(t, data)
			v.unharmed(t)
			require.Equal(t, "1", ask(t, p.URL(), "SELECT '1'"))
			require.NoError(t, p.Stop(t.Context()))
			v.unharmed(t)
		})
	}
}

func TestStop_LocationOfAForeignDirectory_IsLeft(t *testing.T) {
	serverUser(t)
	t.Parallel()
	data, v := filepath.Join(pgtest.Dir(t), strings.Repeat("long", 30)), makeVictim(t)
	require.NoError(t, os.Remove(v.file)) // empty: it could be removed
	p := start(t, data)
	require.NoError(t, os.WriteFile(filepath.Join(data, "postgres", "run.location"), []byte(v.dir), 0o644))
	require.NoError(t, p.Stop(t.Context()))
	require.DirExists(t, v.dir)
}

func TestStartPrivate_HomeOfAnotherUser_RefusedAndLeftAsItIs(t *testing.T) {
	serverUser(t)
	t.Parallel()
	data := pgtest.Dir(t)
	clusterDir := filepath.Join(data, "postgres")
	require.NoError(t, os.Mkdir(clusterDir, 0o700))
	require.NoError(t, os.Chown(clusterDir, 12345, 12345))
	_, err := postgres.StartPrivate(t.Context(), data, nil)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "belongs to user id 12345")
	fi, err := os.Stat(clusterDir)
	require.NoError(t, err)
	require.EqualValues(t, 12345, fi.Sys().(*syscall.Stat_t).Uid)
}

// The process id is in a file that the server's user can write, and root would
// signal what it names.
func TestStartPrivate_ProcessIDOfRootsProcess_NotSignalled(t *testing.T) {
	serverUser(t)
	t.Parallel()
	data := pgtest.Dir(t)
	p := start(t, data)
	require.NoError(t, p.Stop(t.Context()))
	cluster := filepath.Join(data, "postgres", "data")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	shell, err := os.StartProcess("/bin/cat", []string{"cat"}, &os.ProcAttr{Dir: cluster, Files: []*os.File{r, null, null}})
	require.NoError(t, err)
	r.Close()
	pid := strconv.Itoa(shell.Pid)
	require.NoError(t, os.WriteFile(filepath.Join(cluster, "postmaster.pid"), []byte(pid+"\n"), 0o600))
	_, err = postgres.Attach(t.Context(), data)
	require.ErrorIs(t, err, postgres.ErrNotRunning)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if p, err := postgres.StartPrivate(ctx, data, nil); err == nil {
		require.NoError(t, p.Stop(t.Context()))
	}
	require.NoError(t, w.Close())
	state, err := shell.Wait()
	require.NoError(t, err)
	require.True(t, state.Success(), "it was left alone and ended with its input: %s", state)
}

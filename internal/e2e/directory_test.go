package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// people is a source of twelve frames that needs no file.
const people = "door=test://people?size=64x64&people=1&frames=12"

// copyDir copies a directory with all that belongs to it, as users do.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	out, err := exec.Command("cp", "-a", from, to).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func count(t testing.TB, dir string) int {
	t.Helper()
	return number(t, []string{"--data", dir}, "select count(*) from sightings")
}

// A copy never writes into the database of its original, wherever that lies, nor
// while the original serves.
func TestDataDirectory_Copied_RefusedAndOriginalKeepsRows(t *testing.T) {
	t.Parallel()
	for name, parent := range map[string]string{"beside its database": "", "socket elsewhere": strings.Repeat("long", 30), "database elsewhere": "closed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(filepath.Dir(dataDir(t)), parent, "d")
			if parent == "closed" { // to the database's user
				users(t)
				require.NoError(t, os.Mkdir(filepath.Dir(dir), 0o700))
			}
			args := []string{"run", "--source", people, "--pace", "fast", "--data", dir}
			ok(t, sightlog, args...)
			if at, err := os.ReadFile(dir + "/postgres.location"); err == nil {
				t.Cleanup(func() { os.RemoveAll(strings.TrimSpace(string(at))) })
			}
			p := start(t, sightlogd, "serve", "--data", dir)
			endpoints(t, dir, p)
			copyDir(t, dir, dir+"-copy")
			for _, command := range [][]string{{sightlog, "run", "--source", people, "--pace", "fast"}, {sightlogd, "serve"}, {sightlogd, "query", "people"}, {sightlogd, "broker"}} {
				r := do(t, command[0], append(command[1:], "--data", dir+"-copy")...)
				require.Equal(t, 2, r.code, "%v\n%s%s", command, r.stdout, r.stderr)
				require.Contains(t, r.stderr, "is a copy of "+dir)
			}
			require.Equal(t, 12, count(t, dir), "the server of the original still answers")
			require.Zero(t, p.stop(t).code, p.output)
			ok(t, sightlog, args...)
			require.Equal(t, 24, count(t, dir))
		})
	}
}

// as runs a program as another user to its end.
func as(t testing.TB, name, program string, args ...string) result {
	t.Helper()
	u, err := user.Lookup(name)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &stdout, &stderr
	cmd.Env = append(os.Environ(), "HOME=/nonexistent")
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	err = cmd.Run()
	require.NoError(t, ctx.Err(), "%s%s", &stdout, &stderr)
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(t, err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// users returns two users who are not root; who is not root skips.
func users(t testing.TB) (one, two string) {
	t.Helper()
	if os.Geteuid() != 0 {
		testenv.Skip(t, "not root: only root can be others")
	}
	for _, name := range []string{"nobody", "daemon"} {
		if _, err := user.Lookup(name); err != nil {
			testenv.Skip(t, err.Error())
		}
	}
	return "nobody", "daemon"
}

// owners returns whose the files of a directory are.
func owners(t testing.TB, dir string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		u, err := user.LookupId(strconv.Itoa(int(fi.Sys().(*syscall.Stat_t).Uid)))
		if err != nil {
			return err
		}
		all[u.Username] = append(all[u.Username], path)
		return nil
	}))
	return all
}

func ownedDir(t testing.TB, name string) string {
	t.Helper()
	dir := dataDir(t)
	u, err := user.Lookup(name)
	require.NoError(t, err)
	uid, _ := strconv.Atoi(u.Uid)
	require.NoError(t, os.Chown(filepath.Dir(dir), uid, -1))
	return dir
}

// hashes returns the content of all files of a directory outside of its database.
func hashes(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == filepath.Join(dir, "postgres"):
			return fs.SkipDir
		case d.IsDir():
			all[path] = "directory"
			return nil
		}
		b, err := os.ReadFile(path)
		all[path] = fmt.Sprintf("%x", sha256.Sum256(b))
		return err
	}))
	return all
}

// What root does with somebody's directory, the owner can go on with.
func TestDataDirectory_UsedByRoot_StaysItsOwners(t *testing.T) {
	t.Parallel()
	owner, other := users(t)
	dir := ownedDir(t, owner)
	args := []string{"run", "--source", people, "--pace", "fast", "--data", dir}
	r := as(t, owner, sightlog, args...)
	require.Zero(t, r.code, r.stdout+r.stderr)

	// As a killed owner leaves it.
	stale := filepath.Join(dir, "endpoints.json")
	require.NoError(t, os.WriteFile(stale, []byte(`{"pid":1,"broker":"127.0.0.1:1","database":"postgres://127.0.0.1:1/x"}`), 0o644))
	before := hashes(t, dir)
	require.Equal(t, 12, count(t, dir))
	require.Equal(t, before, hashes(t, dir), "a question writes nothing")
	require.NoError(t, os.Remove(stale))
	answer := filepath.Join(t.TempDir(), "mot.txt") // root's alone
	require.NoError(t, os.Chmod(filepath.Dir(answer), 0o700))
	ok(t, sightlogd, "export", "--format", "mot", "--out", answer, "--data", dir)
	ok(t, sightlogd, "data", "export", "--out", answer+".archive", "--data", dir)
	require.Len(t, owners(t, dir), 1, "after a question: %v", owners(t, dir)["root"])
	r = do(t, sightlog, args...)
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stderr, "working as the owner of the data directory")
	require.Len(t, owners(t, dir), 1, "after a run: %v", owners(t, dir)["root"])

	r = as(t, owner, sightlog, args...)
	require.Zero(t, r.code, r.stdout+r.stderr)
	require.Equal(t, 36, count(t, dir))

	r = as(t, other, sightlogd, "query", "people", "--data", dir)
	require.Equal(t, 2, r.code, r.stdout+r.stderr)
	require.Contains(t, r.stderr, "belongs to user "+owner)
}

// With a umask of 077 root makes what others cannot pass; that is no reason to
// fail, then or later.
func TestRunAsRoot_Umask077_LaterRunsWork(t *testing.T) {
	t.Parallel()
	users(t)
	dir := dataDir(t)
	r := do(t, "sh", "-c", `umask 077; exec "$0" "$@"`, sightlog, "run", "--source", people, "--pace", "fast", "--data", dir)
	if at, err := os.ReadFile(dir + "/postgres.location"); err == nil {
		t.Cleanup(func() { os.RemoveAll(strings.TrimSpace(string(at))) })
	}
	require.Zero(t, r.code, r.stdout+r.stderr)
	ok(t, sightlog, "run", "--source", people, "--pace", "fast", "--data", dir)
	require.Equal(t, 24, count(t, dir))
	ok(t, sightlog, "run", "--source", people, "--pace", "fast", "--data", dataDir(t))
}

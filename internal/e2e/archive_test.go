package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An archive holds log and database as they were at one moment: whoever imports
// it, wherever, reads the rows and resumes the run.
func TestDataExport_ImportedElsewhere_TheRunGoesOn(t *testing.T) {
	t.Parallel()
	const frames = 1500 // a minute
	dir := dataDir(t)
	args := []string{"run", "--source", "door=test://people?size=64x64&people=1&fps=25&frames=" + strconv.Itoa(frames), "--data"}
	p := start(t, sightlog, append(args, dir)...)
	endpoints(t, dir, p)
	archive := filepath.Join(filepath.Dir(dir), "archive")
	r := do(t, sightlogd, "data", "export", "--data", dir, "--out", archive)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "in use by another sightlog")
	require.NoFileExists(t, archive)
	waitRows(t, dir, 10)
	require.Zero(t, p.stop(t).code, p.output)
	before := count(t, dir)

	ok(t, sightlogd, "data", "export", "--data", dir, "--out", archive)
	require.NoError(t, os.Chmod(archive, 0o644))
	require.Equal(t, 2, do(t, sightlogd, "data", "export", "--data", dir, "--out", archive).code, "nothing is overwritten")
	fi, err := os.Stat(archive)
	require.NoError(t, err)
	require.Less(t, fi.Size(), int64(32<<20))
	r = do(t, sightlogd, "data", "import", archive, "--data", dir)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "is not empty")

	t.Run("another path", func(t *testing.T) {
		t.Parallel()
		to := filepath.Join(filepath.Dir(dataDir(t)), strings.Repeat("long ", 25), "d")
		ok(t, sightlogd, "data", "import", archive, "--data", to)
		require.Equal(t, before, count(t, to))
		require.Contains(t, ok(t, sightlog, append(args, to, "--pace", "fast")...), "of an unfinished run")
		require.Equal(t, frames, count(t, to))
		require.Equal(t, 1, number(t, []string{"--data", to}, "select count(*) from runs"))
	})
	t.Run("another user", func(t *testing.T) {
		t.Parallel()
		owner, _ := users(t)
		to := ownedDir(t, owner)
		r := as(t, owner, sightlogd, "data", "import", archive, "--data", to)
		require.Zero(t, r.code, r.stderr)
		r = as(t, owner, sightlog, append(args, to, "--pace", "fast")...)
		require.Zero(t, r.code, r.stderr)
		require.Contains(t, r.stdout, "of an unfinished run")
		require.Equal(t, frames, count(t, to))
		require.Len(t, owners(t, to), 1)
	})
	t.Run("cut short", func(t *testing.T) {
		t.Parallel()
		whole, err := os.ReadFile(archive)
		require.NoError(t, err)
		to := dataDir(t)
		cut := filepath.Join(filepath.Dir(to), "cut")
		for _, n := range []int{0, 100, len(whole) / 2, len(whole) - 1} {
			require.NoError(t, os.WriteFile(cut, whole[:n], 0o644))
			r := do(t, sightlogd, "data", "import", cut, "--data", to)
			require.NotZero(t, r.code, "%d bytes", n)
			left, err := os.ReadDir(to)
			require.NoError(t, err)
			require.Empty(t, left, "%d bytes", n)
		}
		ok(t, sightlogd, "data", "import", archive, "--data", to)
		require.Equal(t, before, count(t, to))
	})
}

// A copy that is meant says so. It goes its own way then.
func TestDataAdopt_Copy_IsADirectoryOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, parent := range map[string]string{"beside its database": "", "database elsewhere": "closed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(filepath.Dir(dataDir(t)), parent, "d")
			if parent == "closed" {
				users(t)
				require.NoError(t, os.Mkdir(filepath.Dir(dir), 0o700))
			}
			run := func(dir string) {
				ok(t, sightlog, "run", "--source", people, "--pace", "fast", "--data", dir)
				if at, err := os.ReadFile(dir + "/postgres.location"); err == nil {
					t.Cleanup(func() { os.RemoveAll(strings.TrimSpace(string(at))) })
				}
			}
			run(dir)
			copyDir(t, dir, dir+"-copy")
			ok(t, sightlogd, "data", "adopt", "--data", dir+"-copy")
			run(dir + "-copy")
			require.Equal(t, 24, count(t, dir+"-copy"))
			require.Equal(t, 12, count(t, dir))
			run(dir)
			require.Equal(t, 24, count(t, dir))
			require.Equal(t, 24, count(t, dir+"-copy"))
		})
	}
}

func TestDataAdopt_CopyOfOneInUse_OnlyAsASnapshot(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	p := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, p)
	copyDir(t, dir, dir+"-copy")
	for range 2 {
		r := do(t, sightlogd, "data", "adopt", "--data", dir+"-copy")
		require.Equal(t, 2, r.code, r.stdout+r.stderr)
		require.Contains(t, r.stderr, "was copied while it was in use")
		r = do(t, sightlogd, "query", "people", "--data", dir+"-copy")
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, "sightlogd: --data "+dir+"-copy: is a copy of "+dir)
	}
	ok(t, sightlogd, "data", "adopt", "--snapshot", "--data", dir+"-copy")
	ok(t, sightlogd, "query", "people", "--data", dir+"-copy")
}

// Log and database of two directories do not meet by accident.
func TestRun_DatabaseOfAnotherDirectory_RefusedUntilAdopted(t *testing.T) {
	t.Parallel()
	one, two := dataDir(t), dataDir(t)
	run := []string{"run", "--source", people, "--pace", "fast", "--data"}
	ok(t, sightlog, append(run, one)...)
	ok(t, sightlog, append(run, two)...)
	require.NoError(t, os.RemoveAll(one+"/postgres"))
	copyDir(t, two+"/postgres", one+"/postgres")
	for _, command := range [][]string{append([]string{sightlog}, append(run, one)...), {sightlogd, "query", "people", "--data", one}} {
		r := do(t, command[0], command[1:]...)
		require.Equal(t, 2, r.code, r.stdout+r.stderr)
		require.Contains(t, r.stderr, "is that of the data directory ")
	}
	ok(t, sightlogd, "data", "adopt", "--data", one)
	ok(t, sightlog, append(run, one)...)
}

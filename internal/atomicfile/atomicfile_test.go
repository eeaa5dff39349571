package atomicfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/atomicfile"
)

func TestWrite_ExistingFile_IsReplacedAndNothingElseLeft(t *testing.T) {
	for _, write := range []func(string, []byte, os.FileMode) error{atomicfile.Write, atomicfile.WriteDurably} {
		dir := t.TempDir()
		name := filepath.Join(dir, "a.json")
		require.NoError(t, os.WriteFile(name, []byte("a longer text than the new one"), 0o600))
		old, err := os.Open(name)
		require.NoError(t, err)
		defer old.Close()
		require.NoError(t, write(name, []byte("new"), 0o600))
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, "new", string(b))
		fi, err := old.Stat()
		require.NoError(t, err)
		require.EqualValues(t, 30, fi.Size(), "who has the old file open goes on reading it")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1)
	}
}

func TestWrite_NameIsADirectory_FailsAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "taken")
	require.NoError(t, os.MkdirAll(filepath.Join(name, "child"), 0o700))
	require.Error(t, atomicfile.Write(name, []byte("x"), 0o600))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestReplace_LinkedFile_LinkModeAndOwnerStay(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "link.yaml")
	require.NoError(t, os.WriteFile(file, []byte("a: 1\n"), 0o600))
	require.NoError(t, os.Chmod(file, 0o666))
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(file, 1, 2))
	}
	require.NoError(t, os.Symlink("real.yaml", link))
	require.NoError(t, atomicfile.Replace(link, []byte("a: 2\n")))
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "a: 2\n", string(b))
	fi, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, fi.Mode()&os.ModeSymlink)
	fi, err = os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o666), fi.Mode().Perm())
	if os.Getuid() == 0 {
		owner := fi.Sys().(*syscall.Stat_t)
		require.EqualValues(t, []uint32{1, 2}, []uint32{owner.Uid, owner.Gid})
	}
	require.NoError(t, os.Chmod(file, 0o444))
	require.ErrorIs(t, atomicfile.Replace(link, []byte("a: 3\n")), os.ErrPermission)
	require.ErrorIs(t, atomicfile.Replace(filepath.Join(dir, "none"), nil), os.ErrNotExist)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "nothing else is left")
}

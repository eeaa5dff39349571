package atomicfile_test

import (
	"os"
	"path/filepath"
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

package filelock_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/internal/filelock"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// The copy is what a child has between its start and its program's.
func TestLock_HeldByAnotherFile_ErrHeldUntilClosed(t *testing.T) {
	for name, lock := range map[string]func(*os.File) error{"flock": filelock.Flock, "owner": filelock.Own} {
		path := filepath.Join(t.TempDir(), "lock")
		first, second := open(t, path), open(t, path)
		require.NoError(t, lock(first), name)
		require.ErrorIs(t, lock(second), filelock.ErrHeld, name)
		copied, err := unix.Dup(int(first.Fd()))
		require.NoError(t, err)
		defer unix.Close(copied)
		require.NoError(t, filelock.Close(first), name)
		require.NoError(t, lock(second), name)
	}
}

func TestOwned_AskedByAnother_LockIsNotTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	owner, asking := open(t, path), open(t, path)
	for range 2 {
		owned, err := filelock.Owned(asking)
		require.NoError(t, err)
		require.False(t, owned)
	}
	require.NoError(t, filelock.Own(owner))
	owned, err := filelock.Owned(asking)
	require.NoError(t, err)
	require.True(t, owned)
}

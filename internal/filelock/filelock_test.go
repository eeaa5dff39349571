package filelock_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/filelock"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestLock_HeldByAnotherFile_ErrHeldUntilClosed(t *testing.T) {
	for name, kind := range map[string]struct {
		lock  func(*os.File) error
		close func(*os.File) error
	}{
		"flock": {filelock.Flock, filelock.Close},
		"owner": {filelock.Own, (*os.File).Close},
	} {
		path := filepath.Join(t.TempDir(), "lock")
		first, second := open(t, path), open(t, path)
		require.NoError(t, kind.lock(first), name)
		require.ErrorIs(t, kind.lock(second), filelock.ErrHeld, name)
		require.NoError(t, kind.close(first), name)
		require.NoError(t, kind.lock(second), name)
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

package storage

import (
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// handleFS is the real filesystem; it counts the files that are open, and refuses to
// open one.
type handleFS struct {
	OSFS
	refused string
	open    atomic.Int64
}

func (f *handleFS) OpenFile(name string, flag int) (File, error) {
	if name == f.refused {
		return nil, syscall.EIO
	}
	file, err := f.OSFS.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	f.open.Add(1)
	return &countedFile{file, f}, nil
}

type countedFile struct {
	File
	fs *handleFS
}

func (c *countedFile) Close() error {
	c.fs.open.Add(-1)
	return c.File.Close()
}

func TestOpen_JournalFileThatDoesNotOpen_TheOthersAreClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, Options{JournalBytes: 4 << 10})
	l := createLog(t, s, "l")
	for range 20 { // several journal files
		require.NoError(t, appendTo(t, s, l, testBatch(1, -1, -1, -1, 0, 2000)).Err)
	}
	crash(s)
	names, err := filepath.Glob(filepath.Join(dir, "journal", "*.journal"))
	require.NoError(t, err)
	require.Greater(t, len(names), 2)
	for _, name := range names {
		fs := &handleFS{refused: name}
		_, err := Open(dir, Options{FS: fs, JournalBytes: 4 << 10})
		require.ErrorIs(t, err, syscall.EIO)
		require.Zero(t, fs.open.Load(), "open files after %s was refused", filepath.Base(name))
	}
}

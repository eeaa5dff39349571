package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sightlog/sightlog/internal/filelock"
)

// FS is the part of a filesystem that the store uses. OSFS is the real one;
// tests put one in between that tears writes, loses what was not synced, or
// fails.
type FS interface {
	OpenFile(name string, flag int) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	RemoveAll(name string) error
	MkdirAll(name string) error
	ReadDir(name string) ([]string, error)
	// SyncDir makes the creations, removals and renames of files in a
	// directory durable.
	SyncDir(name string) error
	// Lock takes the named file's lock for this process or returns ErrLocked.
	Lock(name string) (io.Closer, error)
}

// File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	// Allocate reserves room on disk for [off, off+n) without changing the
	// file's size. It may do nothing.
	Allocate(off, n int64) error
	// Datasync makes the written data and the size durable.
	Datasync() error
}

// errSync means that a sync failed. The content of the disk is then unknown, and a
// second sync that succeeds proves nothing: the store fails. All other disk errors
// can be retried.
var errSync = errors.New("sync failed")

func failedSync(what string, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) && pe.Op == "open" {
		return fmt.Errorf("open %s to sync it: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %w", what, errSync, err)
}

// failedRewrite is failedSync for a file that is written again before it is
// synced again: there a full disk is no loss.
func failedRewrite(what string, err error) error {
	if err == nil || IsFull(err) {
		return err
	}
	return failedSync(what, err)
}

// ErrLocked says that another process has the data directory open.
var ErrLocked = errors.New("data directory is in use by another process")

// OSFS is the operating system's filesystem.
type OSFS struct{}

type osFile struct{ *os.File }

// OpenFile opens a file with os.O_* flags.
func (OSFS) OpenFile(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o640)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Rename renames a file over another.
func (OSFS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (OSFS) Remove(name string) error { return os.Remove(name) }

// RemoveAll removes a directory and what is in it.
func (OSFS) RemoveAll(name string) error { return os.RemoveAll(name) }

// MkdirAll makes a directory and its parents.
func (OSFS) MkdirAll(name string) error { return os.MkdirAll(name, 0o750) }

// ReadDir returns the names in a directory.
func (OSFS) ReadDir(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// SyncDir fsyncs a directory.
func (OSFS) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Lock takes an advisory lock that dies with the process.
func (OSFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if err := filelock.Flock(f); err != nil {
		f.Close()
		if errors.Is(err, filelock.ErrHeld) {
			return nil, fmt.Errorf("%w (%s)", ErrLocked, name)
		}
		return nil, err
	}
	return lockFile{f}, nil
}

type lockFile struct{ *os.File }

func (f lockFile) Close() error { return filelock.Close(f.File) }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

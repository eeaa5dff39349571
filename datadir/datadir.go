package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sightlog/sightlog/internal/filelock"
	"github.com/sightlog/sightlog/usage"
)

// Open creates the directory if it is missing and takes its lock. Root becomes the owner
// of the directory, for the rest of the process. A copy of another data directory is
// refused.
func Open(path string) (*Dir, error) { return open(path, toWork) }

// OpenToAsk opens an existing directory for questions to its database. Nothing is
// created in it, and it may belong to another user; root stays root, and then nothing is
// changed in it either.
func OpenToAsk(path string) (*Dir, error) { return open(path, toAsk) }

func open(path string, why purpose) (d *Dir, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, usage.Wrap(err, "", "--data %s: %v", path, err)
	}
	if why == toWork {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, notWritable(path, err)
		}
	}
	// The format is checked first: a newer program may use another lock.
	if _, err := readIdentity(path); err != nil {
		return nil, err
	}
	user := ""
	if why != toAsk { // a query leaves nothing that would belong to root
		if user, err = becomeOwner(path); err != nil {
			return nil, err
		}
	}
	lock, err := lockDir(path, why)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			filelock.Close(lock)
		}
	}()
	d = &Dir{path: path, lock: lock, closed: make(chan struct{}), user: user}
	if d.identity, err = readIdentity(path); err != nil { // again: the lock is held now
		return nil, err
	}
	if err := d.checkLocation(why); err != nil {
		return nil, err
	}
	uid, _, ok := ownerOf(d.Path("sightlog.json"))
	d.guest = why == toAsk && ok && uid != os.Geteuid()
	// Of an owner that was killed, or of the original of a copy of a copy.
	if err := d.removeEndpoints(); err != nil {
		return nil, notWritable(path, err)
	}
	return d, nil
}

func (d *Dir) removeEndpoints() error {
	if d.guest {
		return nil
	}
	err := os.Remove(d.Path("endpoints.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lockDir takes the lock of a directory.
func lockDir(path string, why purpose) (*os.File, error) {
	flag := os.O_RDWR
	if why != toAsk {
		flag |= os.O_CREATE
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), flag, 0o644)
	switch {
	case err != nil && why == toAsk:
		return nil, usage.Wrap(err, "ask as that user, or as root", "--data %s: belongs to %s: %v", path, ownerName(path), usage.Cause(err))
	case err != nil:
		return nil, notWritable(path, err)
	}
	if err := filelock.Own(lock); err != nil {
		lock.Close()
		if errors.Is(err, filelock.ErrHeld) {
			return nil, usage.Wrap(ErrInUse, "stop it, or give another --data", "--data %s: in use by another sightlog%s", path, inUseBy(path))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return lock, nil
}

// ErrInUse is the cause when another process owns the data directory.
var ErrInUse = errors.New("data directory in use")

func inUseBy(path string) string {
	if e, err := ReadEndpoints(path); err == nil {
		return fmt.Sprintf(" (process %d)", e.PID)
	}
	return ""
}

// Close releases the directory.
func (d *Dir) Close() error {
	close(d.closed)
	d.later.Wait()
	return errors.Join(d.removeEndpoints(), filelock.Close(d.lock))
}

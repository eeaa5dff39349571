// Package filelock has the locks that keep a directory to one process. The kernel
// releases both kinds when the process ends, however it ends.
//
// There are two kinds, which do not see each other. Flock (flock(2)) is what the log's
// and the private database's lock files have had from the first release: a program of
// another release must find them held. Owner (fcntl(2), F_OFD_SETLK) can be asked for
// without being taken, which a client of a data directory needs.
package filelock

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ErrHeld means that another open file has the lock.
var ErrHeld = errors.New("the lock is held")

// Flock locks f. It does not wait: ErrHeld.
func Flock(f *os.File) error {
	return held(f, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
}

// Close releases f's locks of both kinds and closes it. Closing alone would leave them to
// a child process that is being started by another goroutine, until it executes its
// program.
func Close(f *os.File) error {
	free := wholeFile()
	free.Type = unix.F_UNLCK
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, free), f.Close())
}

// Own makes the open file the owner of f's lock until Close. It does not wait:
// ErrHeld.
func Own(f *os.File) error {
	return held(f, unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, wholeFile()))
}

// Owned reports whether another open file owns the lock of f. It does not take it.
func Owned(f *os.File) (bool, error) {
	lock := wholeFile()
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, lock); err != nil {
		return false, fmt.Errorf("query the lock %s: %w", f.Name(), err)
	}
	return lock.Type != unix.F_UNLCK, nil
}

func wholeFile() *unix.Flock_t {
	return &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
}

func held(f *os.File, err error) error {
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) { // EWOULDBLOCK is EAGAIN
		return fmt.Errorf("%w: %s", ErrHeld, f.Name())
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}

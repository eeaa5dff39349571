package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/usage"
)

// dataFormat is the layout of a data directory that this program makes.
//
//	sightlog.json  the format
//	lock           held by the process that owns the directory
//	endpoints.json where its broker and database answer, while it runs
//	log/           the bundled broker's
//	postgres/      the private database's
const dataFormat = 1

// DataDir is an open data directory; this process owns it until Close.
type DataDir struct {
	path   string
	lock   *os.File
	closed chan struct{}  // by Close
	later  sync.WaitGroup // what Publish could not write yet
}

// Endpoints are the addresses of a running data directory.
type Endpoints struct {
	PID      int    `json:"pid"`
	Broker   string `json:"broker"`   // host:port
	Database string `json:"database"` // URL
}

type dataFile struct {
	Format int `json:"format"`
}

// OpenDataDir makes the directory if need be and takes its lock.
func OpenDataDir(path string) (*DataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, usage.Wrap(err, "", "--data %s: %v", path, err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, notWritable(path, err)
	}
	// The format comes first: a newer program may lock otherwise.
	format, err := checkFormat(path)
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, notWritable(path, err)
	}
	if err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_SETLK, wholeFile()); err != nil {
		lock.Close()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			return nil, usage.Wrap(ErrInUse, "stop it, or give another --data", "--data %s: in use by another sightlog%s", path, owner(path))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	d := &DataDir{path: path, lock: lock, closed: make(chan struct{})}
	if format == dataFormat {
		return d, nil // nothing to write: the disk may be full
	}
	if err := d.writeJSON("sightlog.json", dataFile{Format: dataFormat}); err != nil {
		d.Close()
		return nil, notWritable(path, err)
	}
	return d, nil
}

// wholeFile describes an exclusive lock. Locks are those of the open file
// (fcntl's OFD locks), so that asking for one does not take it.
func wholeFile() *unix.Flock_t {
	return &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
}

// ErrInUse is the cause when another process owns the data directory.
var ErrInUse = errors.New("data directory in use")

func owner(path string) string {
	if e, err := ReadEndpoints(path); err == nil {
		return fmt.Sprintf(" (process %d)", e.PID)
	}
	return ""
}

func notWritable(path string, err error) error {
	return usage.Wrap(err, "give a directory you may write to", "--data %s: not writable: %v", path, cause(err))
}

// cause strips the path, which the message has already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// checkFormat returns the directory's format, 0 when it has none yet.
func checkFormat(path string) (int, error) {
	b, err := os.ReadFile(filepath.Join(path, "sightlog.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, usage.Wrap(err, "give a directory you may read", "--data %s: %v", path, cause(err))
	}
	var f dataFile
	if err := json.Unmarshal(b, &f); err != nil {
		return 0, usage.Wrap(err, "restore it from a backup, or give another --data", "--data %s: sightlog.json is damaged", path)
	}
	if f.Format > dataFormat {
		return 0, usage.New("update sightlog, or give another --data", "--data %s: made by a newer sightlog (format %d, this one knows %d)", path, f.Format, dataFormat)
	}
	return f.Format, nil
}

// Path returns the absolute path, or that of something in it.
func (d *DataDir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Publish writes where the broker and the database answer. On a disk that is
// full it is tried again until there is room: the owner serves what it has, and
// the reading of that may be what makes room.
func (d *DataDir) Publish(e Endpoints) error {
	e.PID = os.Getpid()
	err := d.writeJSON("endpoints.json", e)
	if !isFull(err) {
		return err
	}
	d.later.Go(func() {
		for isFull(d.writeJSON("endpoints.json", e)) {
			select {
			case <-time.After(time.Second):
			case <-d.closed:
				return
			}
		}
	})
	return nil
}

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// Close gives the directory up.
func (d *DataDir) Close() error {
	close(d.closed)
	d.later.Wait()
	err := os.Remove(d.Path("endpoints.json"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, d.lock.Close())
}

// writeJSON replaces a file as a whole, so that a reader sees the old or the
// new one.
func (d *DataDir) writeJSON(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := d.Path(name + ".tmp")
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, d.Path(name))
}

// ErrNotRunning means that no process serves the data directory.
var ErrNotRunning = errors.New("nothing runs on the data directory")

// ReadEndpoints returns the addresses of the process that owns the directory,
// or ErrNotRunning.
func ReadEndpoints(path string) (Endpoints, error) {
	lock, err := os.Open(filepath.Join(path, "lock"))
	if err != nil {
		return Endpoints{}, ErrNotRunning
	}
	defer lock.Close()
	held := wholeFile()
	if err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_GETLK, held); err != nil {
		return Endpoints{}, fmt.Errorf("ask for the lock of %s: %w", path, err)
	}
	if held.Type == unix.F_UNLCK {
		return Endpoints{}, ErrNotRunning // nobody holds it: what is written is stale
	}
	b, err := os.ReadFile(filepath.Join(path, "endpoints.json"))
	if err != nil {
		return Endpoints{}, ErrNotRunning // it is just starting
	}
	var e Endpoints
	if err := json.Unmarshal(b, &e); err != nil {
		return Endpoints{}, fmt.Errorf("read %s: %w", filepath.Join(path, "endpoints.json"), err)
	}
	return e, nil
}

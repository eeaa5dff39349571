package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/internal/filelock"
)

// Endpoints are the addresses of a running data directory.
type Endpoints struct {
	PID      int    `json:"pid"`
	Broker   string `json:"broker"`             // host:port
	Database string `json:"database"`           // URL
	Web      string `json:"web,omitempty"`      // URL of the page
	Registry string `json:"registry,omitempty"` // URL of the schema registry
}

// Publish writes the addresses. On a full disk it is
// retried until there is space: the owner serves the data it has meanwhile.
func (d *Dir) Publish(e Endpoints) error {
	e.PID = os.Getpid()
	err := d.writeJSON("endpoints.json", e, atomicfile.Write)
	if !isFull(err) {
		return err
	}
	d.later.Go(func() {
		for isFull(d.writeJSON("endpoints.json", e, atomicfile.Write)) {
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

// ErrNotRunning means that no process serves the data directory.
var ErrNotRunning = errors.New("nothing runs on the data directory")

// ReadEndpoints returns the addresses of the process that owns the directory, or
// ErrNotRunning.
func ReadEndpoints(path string) (Endpoints, error) {
	lock, err := os.Open(filepath.Join(path, "lock"))
	if err != nil {
		return Endpoints{}, ErrNotRunning
	}
	defer lock.Close()
	owned, err := filelock.Owned(lock)
	if err != nil {
		return Endpoints{}, err
	}
	if !owned {
		return Endpoints{}, ErrNotRunning // no process holds it: endpoints.json is stale
	}
	b, err := os.ReadFile(filepath.Join(path, "endpoints.json"))
	if err != nil {
		return Endpoints{}, ErrNotRunning // the owner is still starting
	}
	var e Endpoints
	if err := json.Unmarshal(b, &e); err != nil {
		return Endpoints{}, fmt.Errorf("read %s: %w", filepath.Join(path, "endpoints.json"), err)
	}
	return e, nil
}

package datadir

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// dataFormat is the version of the layout that this program creates; see doc.go.
const dataFormat = 1

// Dir is an open data directory. This process owns it until Close.
type Dir struct {
	path   string
	lock   *os.File
	user   string         // the owner that root became, or ""
	guest  bool           // root's questions to the directory of another user: nothing is written
	closed chan struct{}  // closed by Close
	later  sync.WaitGroup // retries of Publish

	identity identity
}

// purpose is the reason for which a directory is opened.
type purpose int

const (
	toWork  purpose = iota // it is created if it is missing
	toAsk                  // nothing is created, and it may belong to another user
	toAdopt                // it may be a copy
)

// Guest reports whether root only asks in a directory of another user: its tables are
// not updated.
func (d *Dir) Guest() bool { return d.guest }

func notWritable(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return usage.Wrap(err, "make room", "--data %s: its disk is full", path)
	}
	return usage.Wrap(err, "give a directory you may write to", "--data %s: not writable: %v", path, usage.Cause(err))
}

// Path returns the absolute path, or that of something in it.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// writeJSON replaces a file of the directory by write, which is one of atomicfile's.
func (d *Dir) writeJSON(name string, v any, write func(string, []byte, fs.FileMode) error) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return write(d.Path(name), append(b, '\n'), 0o600)
}

// identity is the content of sightlog.json; doc.go has the meaning of id and place.
// Directories of older programs have neither until their next start.
type identity struct {
	Format int                `json:"format"`
	ID     string             `json:"id,omitempty"`
	Place  *postgres.Location `json:"place,omitempty"`
}

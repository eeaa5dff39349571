package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// Location identifies a directory. A copy of the directory has another location, so that
// files copied with it that name the original's are recognised.
type Location struct {
	Path   string `json:"path"` // absolute, without links
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// LocationOf returns the location of a directory.
func LocationOf(dir string) (Location, error) {
	abs, err := resolve(dir)
	if err != nil {
		return Location{}, err
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return Location{}, err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return Location{}, fmt.Errorf("%s has no inode", abs)
	}
	return Location{abs, uint64(st.Dev), st.Ino}, nil
}

// Same reports whether both are the same directory, even if it was renamed in between or
// its file system has got another device number.
func (p Location) Same(q Location) bool {
	return p.Inode == q.Inode && (p.Device == q.Device || p.Path == q.Path)
}

// Continues reports whether p is the directory that was recorded as q: the same one, or
// one that replaced it at its path, as from a backup.
func (p Location) Continues(q Location) bool { return p.Same(q) || p.Path == q.Path }

// Exists reports whether the directory still exists.
func (p Location) Exists() bool {
	now, err := LocationOf(p.Path)
	return err == nil && now.Same(p)
}

// ownerName is the file, in a cluster directory outside of its data directory, with the
// location of that data directory. A copied data directory names the cluster directory
// of the original.
const ownerName = "directory.json"

// outside reports whether the cluster directory is outside of its data directory.
func (c clusterDir) outside(of Location) bool { return filepath.Dir(c.dir) != of.Path }

// readOwner returns the data directory that the cluster directory belongs to; recorded is
// false if there is no such record.
func readOwner(root *os.Root) (of Location, recorded bool, err error) {
	text, err := readFile(root, ownerName, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return Location{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &of)
	}
	if err != nil {
		return Location{}, false, fmt.Errorf("read %s: %w", filepath.Join(root.Name(), ownerName), err)
	}
	return of, true, nil
}

// checkOwner returns an error if the cluster directory belongs to another data directory.
func (c clusterDir) checkOwner(root *os.Root, self Location) error {
	if !c.outside(self) {
		return nil
	}
	of, recorded, err := readOwner(root)
	if err != nil || !recorded || self.Continues(of) {
		return err
	}
	return usage.New("if it is meant to be a directory of its own: sightlog data adopt --data "+self.Path,
		"%s is a copy: its database in %s is that of %s", self.Path, c.dir, of.Path)
}

func (c clusterDir) checkOwnerOf(root *os.Root, dir string) error {
	self, err := LocationOf(dir)
	if err != nil {
		return err
	}
	return c.checkOwner(root, self)
}

// claim records in a cluster directory outside of its data directory that it belongs to
// it.
func (c clusterDir) claim(root *os.Root, a serverUser, self Location) error {
	if err := c.checkOwner(root, self); err != nil || !c.outside(self) {
		return err
	}
	if of, recorded, err := readOwner(root); err == nil && recorded && of == self {
		return nil
	}
	return c.writeOwner(root, a, self)
}

func (c clusterDir) writeOwner(root *os.Root, a serverUser, of Location) error {
	text, err := json.Marshal(of)
	if err != nil {
		return err
	}
	return a.replace(root, ownerName, string(text)+"\n", 0o600)
}

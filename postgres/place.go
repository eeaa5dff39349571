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

// Place says which directory something belongs to. A copy of the directory has
// another place; what was copied with it and names this one is not the copy's.
type Place struct {
	Path   string `json:"path"` // absolute, without links
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// PlaceOf returns the place of a directory.
func PlaceOf(dir string) (Place, error) {
	abs, err := resolve(dir)
	if err != nil {
		return Place{}, err
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return Place{}, err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return Place{}, fmt.Errorf("%s has no inode", abs)
	}
	return Place{abs, uint64(st.Dev), st.Ino}, nil
}

// Same reports whether both are the same directory, which may have been renamed
// in between, or whose file system may have another number since.
func (p Place) Same(q Place) bool {
	return p.Inode == q.Inode && (p.Device == q.Device || p.Path == q.Path)
}

// Continues reports whether what was noted for place q is now that of p: the same
// directory, or one that was put in its place, as from a back-up.
func (p Place) Continues(q Place) bool { return p.Same(q) || p.Path == q.Path }

// Exists reports whether the directory is still there.
func (p Place) Exists() bool {
	now, err := PlaceOf(p.Path)
	return err == nil && now.Same(p)
}

// ownerName is the file of a home outside of its data directory that says whose
// it is. A copied data directory leads to the home of the original.
const ownerName = "directory.json"

// outside reports whether the home does not lie in its data directory.
func (h home) outside(of Place) bool { return filepath.Dir(h.dir) != of.Path }

// readOwner returns whose the home is; false when nobody has said so.
func readOwner(root *os.Root) (of Place, said bool, err error) {
	text, err := readFile(root, ownerName, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return Place{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &of)
	}
	if err != nil {
		return Place{}, false, fmt.Errorf("read %s: %w", filepath.Join(root.Name(), ownerName), err)
	}
	return of, true, nil
}

// checkOwner is an error when the home is another data directory's.
func (h home) checkOwner(root *os.Root, self Place) error {
	if !h.outside(self) {
		return nil
	}
	of, said, err := readOwner(root)
	if err != nil || !said || self.Continues(of) {
		return err
	}
	return usage.New("if it is meant to be a directory of its own: sightlog data adopt --data "+self.Path,
		"%s is a copy: its database in %s is that of %s", self.Path, h.dir, of.Path)
}

func (h home) checkOwnerOf(root *os.Root, dir string) error {
	self, err := PlaceOf(dir)
	if err != nil {
		return err
	}
	return h.checkOwner(root, self)
}

// claim notes in a home outside of its data directory whose it is.
func (h home) claim(root *os.Root, a account, self Place) error {
	if err := h.checkOwner(root, self); err != nil || !h.outside(self) {
		return err
	}
	if of, said, err := readOwner(root); err == nil && said && of == self {
		return nil
	}
	return h.writeOwner(root, a, self)
}

func (h home) writeOwner(root *os.Root, a account, of Place) error {
	text, err := json.Marshal(of)
	if err != nil {
		return err
	}
	return a.replace(root, ownerName, string(text)+"\n", 0o600)
}

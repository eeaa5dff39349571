package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/usage"
)

// OpenCluster opens the files of a data directory's private cluster, for reading
// while no server runs on it; the caller closes it.
func OpenCluster(dir string) (*os.Root, error) {
	as, err := accountOf(dir)
	if err != nil {
		return nil, err
	}
	h, err := findHome(dir, as)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(h.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if pid, err := postmaster(h, root); err != nil || pid != 0 {
		return nil, errors.Join(err, fmt.Errorf("a server runs on %s", h.data()))
	}
	return root.OpenRoot(dataName)
}

// LeftOut reports whether a file of a cluster is of its server alone, and not
// part of a copy.
func LeftOut(name string) bool {
	return name == "postmaster.pid" || strings.HasSuffix(name, ".conf.new")
}

// Restore makes the private cluster of a data directory that has none, from the
// files of another. It is one when Commit has returned, and not before.
type Restore struct {
	home home
	root *os.Root
	as   account
	dir  string // the data directory
	made bool   // committed
}

// NewRestore begins in data directory dir. The caller ends it with Close.
func NewRestore(dir string) (*Restore, error) {
	as, err := accountOf(dir)
	if err != nil {
		return nil, err
	}
	h, root, _, err := makeHome(dir, as)
	if err != nil {
		return nil, err
	}
	r := &Restore{home: h, root: root, as: as, dir: dir}
	if _, err = root.Lstat(dataName); err == nil {
		err = usage.New("give another --data", "%s has a database", dir)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = root.RemoveAll(makingName)
	}
	if err == nil {
		err = r.Mkdir(".")
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return r, nil
}

// Mkdir makes a directory of the cluster; "." is the cluster itself.
func (r *Restore) Mkdir(name string) error {
	name = path.Join(makingName, name)
	if err := r.root.Mkdir(name, 0o700); err != nil || !r.as.other {
		return err
	}
	return r.root.Lchown(name, r.as.uid, r.as.gid)
}

// Add makes a file of the cluster.
func (r *Restore) Add(name string, body io.Reader) error {
	f, err := r.root.OpenFile(path.Join(makingName, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err == nil && r.as.other {
		err = f.Chown(r.as.uid, r.as.gid)
	}
	return errors.Join(err, f.Close())
}

// Commit makes the files the cluster, on disk. A version that is not installed
// is a *usage.Error.
func (r *Restore) Commit(ctx context.Context) error {
	v, err := readFile(r.root, makingName+"/PG_VERSION", 64)
	if err != nil {
		return fmt.Errorf("the database is not complete: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil {
		return fmt.Errorf("the database's PG_VERSION holds %q, not a version", v)
	}
	if _, err := findBinaries(ctx, major); err != nil {
		return err
	}
	d, err := r.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", r.home.dir, err)
	}
	if err := r.root.Rename(makingName, dataName); err != nil {
		return err
	}
	r.made = true
	return d.Sync()
}

// Close removes what was not committed, with the home that was made for it.
func (r *Restore) Close() error {
	if r.made {
		return r.root.Close()
	}
	parent, err := os.OpenRoot(filepath.Dir(r.home.dir))
	if err != nil {
		return errors.Join(err, r.root.Close())
	}
	defer parent.Close()
	err = errors.Join(r.root.Close(), parent.RemoveAll(filepath.Base(r.home.dir)))
	if at := os.Remove(filepath.Join(r.dir, locationName)); !errors.Is(at, fs.ErrNotExist) {
		err = errors.Join(err, at)
	}
	return err
}

// Adopt makes the private database that a copied data directory leads to its
// own. One outside of it, of an original that still exists, stays that one's:
// then fresh is true, and the copy has none until its next start.
func Adopt(dir string) (fresh bool, err error) {
	as, err := accountOf(dir)
	if err != nil {
		return false, err
	}
	self, err := PlaceOf(dir)
	if err != nil {
		return false, err
	}
	h, err := findHome(dir, as)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil || !h.outside(self) {
		return false, err
	}
	root, err := os.OpenRoot(h.dir)
	if err == nil {
		defer root.Close()
		var of Place
		var said bool
		if of, said, err = readOwner(root); err == nil && (!said || self.Continues(of) || !of.Exists()) {
			return false, h.writeOwner(root, as, self)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	name := filepath.Join(self.Path, locationName)
	if _, err := os.Lstat(name); err != nil { // a link leads there
		name = filepath.Join(self.Path, "postgres")
	}
	return true, os.Remove(name)
}

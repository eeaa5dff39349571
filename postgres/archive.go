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

// OpenCluster opens the files of a data directory's private cluster for reading. It is
// an error if a server runs on them. The caller closes it.
func OpenCluster(dir string) (*os.Root, error) {
	user, err := serverUserOf(dir)
	if err != nil {
		return nil, err
	}
	c, err := findClusterDir(dir, user)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if pid, err := postmaster(c, root); err != nil || pid != 0 {
		return nil, errors.Join(err, fmt.Errorf("a server runs on %s", c.data()))
	}
	return root.OpenRoot(dataName)
}

// LeftOut reports whether a file of a cluster belongs to its running server only and is
// no part of a copy.
func LeftOut(name string) bool {
	return name == "postmaster.pid" || strings.HasSuffix(name, ".conf.new")
}

// Restore creates the private cluster of a data directory that has none, from the files
// of another. The cluster exists when Commit has returned, and not before.
type Restore struct {
	clusterDir clusterDir
	root       *os.Root
	user       serverUser
	dir        string // the data directory
	committed  bool
}

// NewRestore begins a restore into data directory dir. The caller ends it with Close.
func NewRestore(dir string) (*Restore, error) {
	user, err := serverUserOf(dir)
	if err != nil {
		return nil, err
	}
	c, root, _, err := makeClusterDir(dir, user)
	if err != nil {
		return nil, err
	}
	r := &Restore{clusterDir: c, root: root, user: user, dir: dir}
	if _, err = root.Lstat(dataName); err == nil {
		err = usage.New("give another --data", "%s has a database", dir)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = root.RemoveAll(stagingName)
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

// Mkdir creates a directory of the cluster; "." is the cluster itself.
func (r *Restore) Mkdir(name string) error {
	name = path.Join(stagingName, name)
	if err := r.root.Mkdir(name, 0o700); err != nil || !r.user.other {
		return err
	}
	return r.root.Lchown(name, r.user.uid, r.user.gid)
}

// Add creates a file of the cluster.
func (r *Restore) Add(name string, body io.Reader) error {
	f, err := r.root.OpenFile(path.Join(stagingName, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err == nil && r.user.other {
		err = f.Chown(r.user.uid, r.user.gid)
	}
	return errors.Join(err, f.Close())
}

// Commit syncs the files and renames them to the cluster. If its version of PostgreSQL
// is not installed, that is a *usage.Error.
func (r *Restore) Commit(ctx context.Context) error {
	v, err := readFile(r.root, stagingName+"/PG_VERSION", 64)
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
		return fmt.Errorf("sync %s: %w", r.clusterDir.dir, err)
	}
	if err := r.root.Rename(stagingName, dataName); err != nil {
		return err
	}
	r.committed = true
	return d.Sync()
}

// Close removes the files if they were not committed, and the cluster directory created
// for them.
func (r *Restore) Close() error {
	if r.committed {
		return r.root.Close()
	}
	parent, err := os.OpenRoot(filepath.Dir(r.clusterDir.dir))
	if err != nil {
		return errors.Join(err, r.root.Close())
	}
	defer parent.Close()
	err = errors.Join(r.root.Close(), parent.RemoveAll(filepath.Base(r.clusterDir.dir)))
	if at := os.Remove(filepath.Join(r.dir, locationName)); !errors.Is(at, fs.ErrNotExist) {
		err = errors.Join(err, at)
	}
	return err
}

// Adopt assigns the private database of a copied data directory to the copy. A database
// outside of the directory whose original still exists stays the original's: then fresh
// is true, and the copy has no database until its next start.
func Adopt(dir string) (fresh bool, err error) {
	user, err := serverUserOf(dir)
	if err != nil {
		return false, err
	}
	self, err := LocationOf(dir)
	if err != nil {
		return false, err
	}
	c, err := findClusterDir(dir, user)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil || !c.outside(self) {
		return false, err
	}
	root, err := os.OpenRoot(c.dir)
	if err == nil {
		defer root.Close()
		var of Location
		var recorded bool
		if of, recorded, err = readOwner(root); err == nil && (!recorded || self.Continues(of) || !of.Exists()) {
			return false, c.writeOwner(root, user, self)
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

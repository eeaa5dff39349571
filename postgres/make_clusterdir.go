package postgres

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// fallbackRoot is the parent of the clusters of data directories that the server user
// cannot reach. Tests replace it.
var fallbackRoot = "/var/lib/sightlog"

// findClusterDir returns the existing cluster directory of a data directory. Root does
// not follow a link that another user created.
func findClusterDir(dir string, a serverUser) (clusterDir, error) {
	abs, err := resolve(dir)
	if err != nil {
		return clusterDir{}, err
	}
	own := filepath.Join(abs, "postgres")
	fi, err := os.Lstat(own)
	switch {
	case err == nil && fi.Mode()&fs.ModeSymlink != 0:
		if a.other && owner(fi) != os.Geteuid() {
			return clusterDir{}, usage.New("remove it", "%s is a link that user id %d made: it is not followed", own, owner(fi))
		}
		at, err := filepath.EvalSymlinks(own)
		if err != nil {
			return clusterDir{}, usage.Wrap(err, "remove it, or make its directory", "%s is a link to a directory that is not there", own)
		}
		return clusterDir{at}, nil
	case err == nil:
		return clusterDir{own}, nil
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return clusterDir{}, err
	}
	defer root.Close()
	at, err := readLocation(root, locationName)
	if errors.Is(err, fs.ErrNotExist) {
		return clusterDir{}, fmt.Errorf("%s has no private database: %w", dir, fs.ErrNotExist)
	}
	if err == nil && filepath.Dir(at) != fallbackRoot {
		err = usage.New("remove it", "%s names %s, not a directory in %s", filepath.Join(abs, locationName), at, fallbackRoot)
	}
	return clusterDir{at}, err
}

// makeClusterDir returns the cluster directory of a data directory, opened, and creates
// it if there is none: in the data directory or, if the server user cannot reach that,
// below fallbackRoot. moved is true if it was just created there.
func makeClusterDir(dir string, a serverUser) (c clusterDir, root *os.Root, moved bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return c, nil, false, notWritable(dir, err)
	}
	c, err = findClusterDir(dir, a)
	if err == nil {
		if filepath.Dir(c.dir) == fallbackRoot {
			if err := makePassable(fallbackRoot); err != nil {
				return c, nil, false, notWritable(fallbackRoot, err)
			}
		}
		if !a.reaches(filepath.Dir(c.dir)) {
			return c, nil, false, usage.New("chmod o+x the directories above it", "the private database in %s cannot be reached by user %s, which it runs as", c.dir, a.name)
		}
		root, err = c.makeOf(dir, a)
		return c, root, false, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return c, nil, false, err
	}
	abs, err := resolve(dir)
	if err != nil {
		return c, nil, false, err
	}
	c = clusterDir{filepath.Join(abs, "postgres")}
	if a.reaches(abs) {
		if root, err = c.make(a); err != nil {
			return c, nil, false, notWritable(dir, err)
		}
		return c, root, false, nil
	}
	c, root, err = makeFallback(abs, a)
	return c, root, err == nil, err
}

// makeFallback creates a cluster directory below fallbackRoot and writes its path into
// the data directory.
func makeFallback(dir string, a serverUser) (c clusterDir, root *os.Root, err error) {
	var id [6]byte
	rand.Read(id[:]) // never fails
	c = clusterDir{filepath.Join(fallbackRoot, hex.EncodeToString(id[:]))}
	if err := makePassable(fallbackRoot); err != nil {
		return c, nil, notWritable(fallbackRoot, err)
	}
	if root, err = c.makeOf(dir, a); err != nil {
		return c, nil, notWritable(fallbackRoot, err)
	}
	data, err := os.OpenRoot(dir)
	if err == nil {
		defer data.Close()
		self := serverUser{uid: os.Geteuid(), gid: os.Getegid()}
		err = self.replace(data, locationName, c.dir+"\n", 0o644)
	}
	if err != nil {
		root.Close()
		return c, nil, notWritable(dir, err)
	}
	return c, root, nil
}

// makePassable creates a directory of root's that other users can pass through,
// whatever the umask is or was.
func makePassable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fi, err := os.Lstat(dir)
	if err != nil || owner(fi) != os.Geteuid() || fi.Mode().Perm()&0o011 == 0o011 {
		return err // the directory of another user is left unchanged
	}
	return os.Chmod(dir, fi.Mode().Perm()|0o055)
}

// makeOf creates the cluster directory of a data directory. One that belongs to another
// data directory is an error.
func (c clusterDir) makeOf(dir string, a serverUser) (*os.Root, error) {
	self, err := LocationOf(dir)
	if err != nil {
		return nil, err
	}
	root, err := c.make(a)
	if err != nil {
		return nil, err
	}
	if err := c.claim(root, a, self); err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// make creates the cluster directory, owned by the server user, and opens it.
func (c clusterDir) make(a serverUser) (*os.Root, error) {
	parent, err := os.OpenRoot(filepath.Dir(c.dir))
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	return a.makeOwn(parent, filepath.Base(c.dir))
}

func notWritable(dir string, err error) error {
	if usage.Is(err) {
		return err
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EROFS) {
		return usage.Wrap(err, "choose another directory, or fix its rights", "--data %s cannot be written: %s", dir, cause(err))
	}
	return fmt.Errorf("make data directory %s: %w", dir, err)
}

const locationName = "postgres.location"

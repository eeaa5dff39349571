package postgres

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// elsewhere holds the clusters of data directories that the server's account
// cannot reach. Tests have another.
var elsewhere = "/var/lib/sightlog"

// home is the directory of one private cluster; see the package's layout.
type home struct{ dir string }

func (h home) data() string { return filepath.Join(h.dir, dataName) }
func (h home) log() string  { return filepath.Join(h.dir, logName) }

// Names in a home.
const (
	dataName   = "data"
	makingName = "data.new"
	logName    = "server.log"
	lockName   = "lock"
)

// url is the address of database name on the socket, as role. A path with signs
// that a URL would have to escape has its socket elsewhere; what is left over is
// escaped as libpq and pgx read it, where a plus is no space.
func (h home) url(socketDir, role, name string) string {
	host := strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(socketDir))
	return "postgres://" + role + "@/" + name + "?host=" + host + "&port=5432"
}

// findHome returns the home that exists for a data directory. Root follows no
// link that another user made.
func findHome(dir string, a account) (home, error) {
	abs, err := resolve(dir)
	if err != nil {
		return home{}, err
	}
	own := filepath.Join(abs, "postgres")
	fi, err := os.Lstat(own)
	switch {
	case err == nil && fi.Mode()&fs.ModeSymlink != 0:
		if a.other && owner(fi) != os.Geteuid() {
			return home{}, usage.New("remove it", "%s is a link that user id %d made: it is not followed", own, owner(fi))
		}
		at, err := filepath.EvalSymlinks(own)
		if err != nil {
			return home{}, usage.Wrap(err, "remove it, or make its directory", "%s is a link to a directory that is not there", own)
		}
		return home{at}, nil
	case err == nil:
		return home{own}, nil
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return home{}, err
	}
	defer root.Close()
	at, err := readLocation(root, locationName)
	if errors.Is(err, fs.ErrNotExist) {
		return home{}, fmt.Errorf("%s has no private database: %w", dir, fs.ErrNotExist)
	}
	if err == nil && filepath.Dir(at) != elsewhere {
		err = usage.New("remove it", "%s names %s, not a directory in %s", filepath.Join(abs, locationName), at, elsewhere)
	}
	return home{at}, err
}

// makeHome returns the home of a data directory, open, and makes it where there
// is none: in the data directory, or where the account cannot reach that, below
// elsewhere. moved is true when it was just put elsewhere.
func makeHome(dir string, a account) (h home, root *os.Root, moved bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return h, nil, false, unwritable(dir, err)
	}
	h, err = findHome(dir, a)
	if err == nil {
		if filepath.Dir(h.dir) == elsewhere {
			if err := makePassable(elsewhere); err != nil {
				return h, nil, false, unwritable(elsewhere, err)
			}
		}
		if !a.reaches(filepath.Dir(h.dir)) {
			return h, nil, false, usage.New("chmod o+x the directories above it", "the private database in %s cannot be reached by user %s, which it runs as", h.dir, a.name)
		}
		root, err = h.makeOf(dir, a)
		return h, root, false, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return h, nil, false, err
	}
	abs, err := resolve(dir)
	if err != nil {
		return h, nil, false, err
	}
	h = home{filepath.Join(abs, "postgres")}
	if a.reaches(abs) {
		if root, err = h.make(a); err != nil {
			return h, nil, false, unwritable(dir, err)
		}
		return h, root, false, nil
	}
	h, root, err = makeElsewhere(abs, a)
	return h, root, err == nil, err
}

// makeElsewhere makes a home below elsewhere, which the data directory names.
func makeElsewhere(dir string, a account) (h home, root *os.Root, err error) {
	var id [6]byte
	rand.Read(id[:]) // never fails
	h = home{filepath.Join(elsewhere, hex.EncodeToString(id[:]))}
	if err := makePassable(elsewhere); err != nil {
		return h, nil, unwritable(elsewhere, err)
	}
	if root, err = h.makeOf(dir, a); err != nil {
		return h, nil, unwritable(elsewhere, err)
	}
	data, err := os.OpenRoot(dir)
	if err == nil {
		defer data.Close()
		self := account{uid: os.Geteuid(), gid: os.Getegid()}
		err = self.replace(data, locationName, h.dir+"\n", 0o644)
	}
	if err != nil {
		root.Close()
		return h, nil, unwritable(dir, err)
	}
	return h, root, nil
}

// makePassable makes a directory of root's that others pass through, whatever
// the umask is, or was when it was made.
func makePassable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fi, err := os.Lstat(dir)
	if err != nil || owner(fi) != os.Geteuid() || fi.Mode().Perm()&0o011 == 0o011 {
		return err // another's is left as it is
	}
	return os.Chmod(dir, fi.Mode().Perm()|0o055)
}

// makeOf makes the home of a data directory, and is an error where it is
// another's.
func (h home) makeOf(dir string, a account) (*os.Root, error) {
	self, err := PlaceOf(dir)
	if err != nil {
		return nil, err
	}
	root, err := h.make(a)
	if err != nil {
		return nil, err
	}
	if err := h.claim(root, a, self); err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// make makes the home's directory the account's, and opens it.
func (h home) make(a account) (*os.Root, error) {
	parent, err := os.OpenRoot(filepath.Dir(h.dir))
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	return a.makeOwn(parent, filepath.Base(h.dir))
}

func unwritable(dir string, err error) error {
	if usage.Is(err) {
		return err
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EROFS) {
		return usage.Wrap(err, "choose another directory, or mend its rights", "--data %s cannot be written: %s", dir, cause(err))
	}
	return fmt.Errorf("make data directory %s: %w", dir, err)
}

const locationName = "postgres.location"

func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

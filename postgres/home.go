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
// cannot reach.
const elsewhere = "/var/lib/sightlog"

// A unix socket's path has at most 107 bytes; the name in it is this one.
const (
	maxSocketPath = 107
	socketName    = ".s.PGSQL.5432"
)

// home is the directory of one private cluster; see the package's layout.
type home struct{ dir string }

func (h home) data() string    { return filepath.Join(h.dir, "data") }
func (h home) making() string  { return filepath.Join(h.dir, "data.new") }
func (h home) log() string     { return filepath.Join(h.dir, "server.log") }
func (h home) lock() string    { return filepath.Join(h.dir, "lock") }
func (h home) version() string { return filepath.Join(h.data(), "PG_VERSION") }

// run is the directory of the socket: in the home where the path is short
// enough, else the one that runLink names.
func (h home) run() string     { return filepath.Join(h.dir, "run") }
func (h home) runLink() string { return filepath.Join(h.dir, "run.location") }

func fits(dir string) bool { return len(dir)+1+len(socketName) <= maxSocketPath }

// socketDir returns the directory that the server's socket is in.
func (h home) socketDir() (string, error) {
	if fits(h.run()) {
		return h.run(), nil
	}
	return readLocation(h.runLink())
}

// makeSocketDir makes the socket's directory, 0700 and the account's.
func (h home) makeSocketDir(a account) (string, error) {
	if fits(h.run()) {
		return h.run(), a.mkdir(h.run())
	}
	if dir, err := readLocation(h.runLink()); err == nil && a.owns(dir) == nil {
		return dir, nil
	}
	base := os.TempDir()
	if !fits(filepath.Join(base, "sightlog-0123456789")) {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "sightlog-") // 0700, and a name nobody can guess
	if err != nil {
		return "", err
	}
	if err := a.mkdir(dir); err != nil {
		return "", err
	}
	return dir, os.WriteFile(h.runLink(), []byte(dir+"\n"), 0o644)
}

// dropSocketDir removes a socket's directory that lies outside of the home.
func (h home) dropSocketDir(a account) {
	dir, err := readLocation(h.runLink())
	if err != nil || a.owns(dir) != nil {
		return
	}
	os.Remove(filepath.Join(dir, socketName)) // the server did, unless it was killed
	os.Remove(filepath.Join(dir, socketName+".lock"))
	os.Remove(dir)
	os.Remove(h.runLink())
}

// url is the address of database name on the socket, as role.
func (h home) url(socketDir, role, name string) string {
	return "postgres://" + role + "@/" + name + "?host=" + strings.ReplaceAll(url.QueryEscape(socketDir), "%2F", "/") + "&port=5432"
}

// findHome returns the home that exists for a data directory.
func findHome(dir string) (home, error) {
	abs, err := resolve(dir)
	if err != nil {
		return home{}, err
	}
	own := home{filepath.Join(abs, "postgres")}
	if _, err := os.Stat(own.dir); err == nil {
		return own, nil
	}
	if at, err := readLocation(locationFile(abs)); err == nil {
		return home{at}, nil
	}
	return home{}, fmt.Errorf("%s has no private database: %w", dir, fs.ErrNotExist)
}

// makeHome returns the home of a data directory and makes it where there is
// none: in the data directory, or where the account cannot reach that, below
// elsewhere. moved is true when it was just put elsewhere.
func makeHome(dir string, a account) (h home, moved bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return home{}, false, unwritable(dir, err)
	}
	h, err = findHome(dir)
	if err == nil {
		if !a.reaches(filepath.Dir(h.dir)) {
			return h, false, usage.New("chmod o+x the directories above it", "the private database in %s cannot be reached by user %s, which it runs as", h.dir, a.name)
		}
		return h, false, a.mkdir(h.dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return home{}, false, err
	}
	abs, err := resolve(dir)
	if err != nil {
		return home{}, false, err
	}
	h = home{filepath.Join(abs, "postgres")}
	if a.reaches(abs) {
		if err := a.mkdir(h.dir); err != nil {
			return home{}, false, unwritable(dir, err)
		}
		return h, false, nil
	}
	var id [6]byte
	rand.Read(id[:]) // never fails
	h = home{filepath.Join(elsewhere, hex.EncodeToString(id[:]))}
	if err := os.MkdirAll(elsewhere, 0o755); err != nil {
		return home{}, false, unwritable(elsewhere, err)
	}
	if err := a.mkdir(h.dir); err != nil {
		return home{}, false, unwritable(elsewhere, err)
	}
	if err := os.WriteFile(locationFile(abs), []byte(h.dir+"\n"), 0o644); err != nil {
		return home{}, false, unwritable(dir, err)
	}
	return h, true, nil
}

func unwritable(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EROFS) {
		return usage.Wrap(err, "choose another directory, or mend its rights", "--data %s cannot be written: %s", dir, cause(err))
	}
	return fmt.Errorf("make data directory %s: %w", dir, err)
}

func locationFile(dir string) string { return filepath.Join(dir, "postgres.location") }

func readLocation(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	at := strings.TrimSpace(string(b))
	if !filepath.IsAbs(at) {
		return "", fmt.Errorf("%s holds %q, not an absolute path", file, at)
	}
	return at, nil
}

func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

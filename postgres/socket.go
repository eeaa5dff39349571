package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A unix socket's path has at most 107 bytes; the name in it is this one.
const (
	maxSocketPath = 107
	socketName    = ".s.PGSQL.5432"
	socketPrefix  = "sightlog-" // of the directories below the one for temporary files
	runName       = "run"
	runLocation   = "run.location"
)

// fits reports whether a socket can be in dir: its path is short enough, and no
// sign in it means something to the server's list of directories, to a client's
// list of hosts, or to a URL.
func fits(dir string) bool {
	plain := func(r rune) bool {
		return r >= 0x80 || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("/._-~@:=", r)
	}
	return len(dir)+1+len(socketName) <= maxSocketPath && strings.IndexFunc(dir, func(r rune) bool { return !plain(r) }) < 0
}

// run is the directory of the socket: in the home where it fits, else the one
// that run.location names.
func (h home) run() string { return filepath.Join(h.dir, runName) }

// socketDir returns the directory that the server's socket is in.
func (h home) socketDir(root *os.Root) (string, error) {
	if fits(h.run()) {
		return h.run(), nil
	}
	return readLocation(root, runLocation)
}

// makeSocketDir makes the socket's directory, 0700 and the account's.
func (h home) makeSocketDir(root *os.Root, a account) (string, error) {
	if fits(h.run()) {
		dir, err := a.makeOwn(root, runName)
		if err != nil {
			return "", err
		}
		return h.run(), dir.Close()
	}
	if dir, err := readLocation(root, runLocation); err == nil && fits(dir) && a.ownsSocketDir(dir) {
		return dir, nil
	}
	dir, err := makeTemp(a)
	if err != nil {
		return "", err
	}
	return dir, a.replace(root, runLocation, dir+"\n", 0o644)
}

// makeTemp makes a directory of the account's where temporary files are: in
// TMPDIR, or in /tmp where a socket does not fit there or others could swap
// what is in it.
func makeTemp(a account) (string, error) {
	base := os.TempDir()
	if !fits(filepath.Join(base, socketPrefix+"0123456789")) || !shelteredPath(base) {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, socketPrefix) // 0700, and a name nobody can guess
	if err != nil {
		return "", err
	}
	parent, err := os.OpenRoot(base)
	if err != nil {
		return "", err
	}
	defer parent.Close()
	own, err := a.makeOwn(parent, filepath.Base(dir))
	if err != nil {
		return "", err
	}
	return dir, own.Close()
}

// ownsSocketDir reports whether dir is one that makeTemp makes.
func (a account) ownsSocketDir(dir string) bool {
	fi, err := os.Lstat(dir)
	return err == nil && strings.HasPrefix(filepath.Base(dir), socketPrefix) && shelteredPath(filepath.Dir(dir)) &&
		fi.IsDir() && owner(fi) == a.uid && fi.Mode().Perm() == 0o700
}

// dropSocketDir removes a socket's directory that lies outside of the home.
func (h home) dropSocketDir(root *os.Root, a account) error {
	at, err := readLocation(root, runLocation)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !a.ownsSocketDir(at) {
		return fmt.Errorf("the socket's directory that %s names is not removed: it is none of ours", filepath.Join(h.dir, runLocation))
	}
	parent, err := os.OpenRoot(filepath.Dir(at))
	if err != nil {
		return err
	}
	defer parent.Close()
	dir, err := a.makeOwn(parent, filepath.Base(at))
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, name := range []string{socketName, socketName + ".lock"} { // the server did, unless it was killed
		if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(parent.Remove(filepath.Base(at)), root.Remove(runLocation))
}

func shelteredPath(dir string) bool {
	fi, err := os.Stat(dir)
	return err == nil && sheltered(fi)
}

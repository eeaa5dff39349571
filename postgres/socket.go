package postgres

import (
	"encoding/json"
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
	at, err := readSocketPlace(root)
	return at.At, err
}

// socketPlace is what run.location holds: where the socket is, and of which
// home. In a copy of the home it is another's, which is not to be touched.
type socketPlace struct {
	At string `json:"at"`
	Of Place  `json:"of"`
}

// readSocketPlace reads run.location. Older programs wrote the path alone: whose
// it is cannot be told then.
func readSocketPlace(root *os.Root) (socketPlace, error) {
	text, err := readFile(root, runLocation, 8<<10)
	if err != nil {
		return socketPlace{}, err
	}
	at := socketPlace{At: strings.TrimSpace(text)}
	if strings.HasPrefix(at.At, "{") {
		if err := json.Unmarshal([]byte(text), &at); err != nil {
			return socketPlace{}, fmt.Errorf("read %s: %w", filepath.Join(root.Name(), runLocation), err)
		}
	}
	if !filepath.IsAbs(at.At) {
		return socketPlace{}, fmt.Errorf("%s names %.100q, not an absolute path", filepath.Join(root.Name(), runLocation), at.At)
	}
	at.At = filepath.Clean(at.At)
	return at, nil
}

// ours reports whether the socket's directory is one that this home's server
// was given.
func (s socketPlace) ours(h home, a account) bool {
	self, err := PlaceOf(h.dir)
	return err == nil && s.Of.Same(self) && a.ownsSocketDir(s.At)
}

// makeSocketDir makes the socket's directory, 0700 and the account's. It is
// called when no server runs: a socket that one left there is removed with its
// lock, whose number may be another process's by now.
func (h home) makeSocketDir(root *os.Root, a account) (string, error) {
	if fits(h.run()) {
		dir, err := a.makeOwn(root, runName)
		if err != nil {
			return "", err
		}
		return h.run(), errors.Join(removeSocket(dir), dir.Close())
	}
	if s, err := readSocketPlace(root); err == nil && fits(s.At) && s.ours(h, a) {
		dir, err := a.openSocketDir(s.At)
		if err != nil {
			return "", err
		}
		return s.At, errors.Join(removeSocket(dir), dir.Close())
	}
	self, err := PlaceOf(h.dir)
	if err != nil {
		return "", err
	}
	dir, err := makeTemp(a)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(socketPlace{dir, self})
	if err != nil {
		return "", err
	}
	return dir, a.replace(root, runLocation, string(text)+"\n", 0o644)
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
	s, err := readSocketPlace(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	at := s.At
	if err != nil || !s.ours(h, a) {
		return fmt.Errorf("the socket's directory that %s names is not removed: it is none of ours", filepath.Join(h.dir, runLocation))
	}
	dir, err := a.openSocketDir(at)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := removeSocket(dir); err != nil {
		return err
	}
	parent, err := os.OpenRoot(filepath.Dir(at))
	if err != nil {
		return err
	}
	defer parent.Close()
	return errors.Join(parent.Remove(filepath.Base(at)), root.Remove(runLocation))
}

// openSocketDir opens a directory that makeTemp made.
func (a account) openSocketDir(at string) (*os.Root, error) {
	parent, err := os.OpenRoot(filepath.Dir(at))
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	return a.makeOwn(parent, filepath.Base(at))
}

// removeSocket removes the socket that a server left in its directory.
func removeSocket(dir *os.Root) error {
	for _, name := range []string{socketName, socketName + ".lock"} { // the server does, unless it is killed
		if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func shelteredPath(dir string) bool {
	fi, err := os.Stat(dir)
	return err == nil && sheltered(fi)
}

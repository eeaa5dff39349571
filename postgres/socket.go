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

// fits reports whether a socket can be in dir: its path is short enough, and has no
// character with a meaning in the server's list of directories, in a client's list of
// hosts, or in a URL.
func fits(dir string) bool {
	plain := func(r rune) bool {
		return r >= 0x80 || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("/._-~@:=", r)
	}
	return len(dir)+1+len(socketName) <= maxSocketPath && strings.IndexFunc(dir, func(r rune) bool { return !plain(r) }) < 0
}

// run returns the directory of the socket within the cluster directory. If the socket
// does not fit there, its directory is the one in run.location.
func (c clusterDir) run() string { return filepath.Join(c.dir, runName) }

// socketDir returns the directory of the server's socket.
func (c clusterDir) socketDir(root *os.Root) (string, error) {
	if fits(c.run()) {
		return c.run(), nil
	}
	at, err := readSocketLocation(root)
	return at.At, err
}

// socketLocation is the content of run.location: the directory of the socket, and the
// cluster directory it was created for. In a copy of that it names the original's socket,
// which must not be touched.
type socketLocation struct {
	At string   `json:"at"`
	Of Location `json:"of"`
}

// readSocketLocation reads run.location. Older programs wrote only the path, without the
// cluster directory.
func readSocketLocation(root *os.Root) (socketLocation, error) {
	text, err := readFile(root, runLocation, 8<<10)
	if err != nil {
		return socketLocation{}, err
	}
	at := socketLocation{At: strings.TrimSpace(text)}
	if strings.HasPrefix(at.At, "{") {
		if err := json.Unmarshal([]byte(text), &at); err != nil {
			return socketLocation{}, fmt.Errorf("read %s: %w", filepath.Join(root.Name(), runLocation), err)
		}
	}
	if !filepath.IsAbs(at.At) {
		return socketLocation{}, fmt.Errorf("%s names %.100q, not an absolute path", filepath.Join(root.Name(), runLocation), at.At)
	}
	at.At = filepath.Clean(at.At)
	return at, nil
}

// ours reports whether the socket's directory was created for this cluster directory.
func (s socketLocation) ours(c clusterDir, a serverUser) bool {
	self, err := LocationOf(c.dir)
	return err == nil && s.Of.Same(self) && a.ownsSocketDir(s.At)
}

// makeSocketDir creates the socket's directory, with mode 0700 and owned by the server
// user. It is called while no server runs: a socket that a server left is removed with
// its lock file, whose process id may be another process's by now.
func (c clusterDir) makeSocketDir(root *os.Root, a serverUser) (string, error) {
	if fits(c.run()) {
		dir, err := a.makeOwn(root, runName)
		if err != nil {
			return "", err
		}
		return c.run(), errors.Join(removeSocket(dir), dir.Close())
	}
	if s, err := readSocketLocation(root); err == nil && fits(s.At) && s.ours(c, a) {
		dir, err := a.openSocketDir(s.At)
		if err != nil {
			return "", err
		}
		return s.At, errors.Join(removeSocket(dir), dir.Close())
	}
	self, err := LocationOf(c.dir)
	if err != nil {
		return "", err
	}
	dir, err := makeTemp(a)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(socketLocation{dir, self})
	if err != nil {
		return "", err
	}
	return dir, a.replace(root, runLocation, string(text)+"\n", 0o644)
}

// makeTemp creates a directory, owned by the server user, for the socket: in TMPDIR, or
// in /tmp if the socket's path would be too long there or other users could replace
// entries of TMPDIR.
func makeTemp(a serverUser) (string, error) {
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

// ownsSocketDir reports whether dir is one that makeTemp creates.
func (a serverUser) ownsSocketDir(dir string) bool {
	fi, err := os.Lstat(dir)
	return err == nil && strings.HasPrefix(filepath.Base(dir), socketPrefix) && shelteredPath(filepath.Dir(dir)) &&
		fi.IsDir() && owner(fi) == a.uid && fi.Mode().Perm() == 0o700
}

// dropSocketDir removes a socket's directory outside of the cluster directory.
func (c clusterDir) dropSocketDir(root *os.Root, a serverUser) error {
	s, err := readSocketLocation(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	at := s.At
	if err != nil || !s.ours(c, a) {
		return fmt.Errorf("the socket's directory that %s names is not removed: it is not this database's", filepath.Join(c.dir, runLocation))
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

// openSocketDir opens a directory that makeTemp created.
func (a serverUser) openSocketDir(at string) (*os.Root, error) {
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

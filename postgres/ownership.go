package postgres

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// makeOwned creates directory name in parent, with mode 0700 and owned by the server
// user, or checks that an existing one is so, and opens it. A link is not followed.
func (a serverUser) makeOwn(parent *os.Root, name string) (*os.Root, error) {
	path := filepath.Join(parent.Name(), name)
	if err := parent.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	there, err := parent.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !there.IsDir() {
		return nil, usage.New("remove it", "%s is a link or a file, not a directory: it is not followed", path)
	}
	dir, err := parent.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	above, err := parent.Stat(".")
	if err == nil {
		err = a.takeOwnership(dir, there, sheltered(above))
	}
	if err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// sheltered reports whether only this user and root can rename entries of others in a
// directory.
func sheltered(dir fs.FileInfo) bool {
	uid := owner(dir)
	return dir.IsDir() && (uid == 0 || uid == os.Geteuid()) && (dir.Mode().Perm()&0o022 == 0 || dir.Mode()&fs.ModeSticky != 0)
}

// takeOwnership gives the open directory to the server user if it belongs to this user.
// It is an error if it belongs to another user or is no longer the one that existed
// before. Unless its parent is sheltered it must be empty: another user could have moved
// a directory of ours there.
func (a serverUser) takeOwnership(dir *os.Root, there fs.FileInfo, sheltered bool) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	fi, err := d.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(fi, there) {
		return fmt.Errorf("%s was replaced meanwhile", dir.Name())
	}
	if uid := owner(fi); uid != a.uid {
		_, err := d.Readdirnames(1)
		if !a.other || uid != os.Geteuid() || !sheltered && err != io.EOF {
			return usage.New("run sightlog as the user that made it", "%s belongs to user id %d, the database would run as %d", dir.Name(), uid, a.uid)
		}
		if err := d.Chown(a.uid, a.gid); err != nil {
			return err
		}
	}
	if fi.Mode().Perm() != 0o700 {
		return d.Chmod(0o700)
	}
	return nil
}

// openFile opens a file below root for writing and creates it if it is missing. It must
// be a regular file of this user or the server user, without further links.
func (a serverUser) openFile(root *os.Root, name string, flag int) (*os.File, error) {
	f, err := root.OpenFile(name, flag|os.O_CREATE|syscall.O_NONBLOCK, 0o600) // a pipe without a reader would keep us
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil {
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !fi.Mode().IsRegular() || ok && (st.Nlink != 1 || int(st.Uid) != a.uid && int(st.Uid) != os.Geteuid()) {
			err = usage.New("remove it", "%s is not a file of the database's own", filepath.Join(root.Name(), name))
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// replace writes a file below root, owned by the server user, under another name first
// and renames it: a link of that name is replaced, not followed.
func (a serverUser) replace(root *os.Root, name, text string, mode fs.FileMode) error {
	fresh := name + ".new"
	if err := root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil && a.other {
		err = f.Chown(a.uid, a.gid)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Rename(fresh, name)
}

// readFile reads the last limit bytes of a regular file below root.
func readFile(root *os.Root, name string, limit int64) (string, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !fi.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", filepath.Join(root.Name(), name))
	}
	if fi.Size() > limit {
		if _, err := f.Seek(-limit, io.SeekEnd); err != nil {
			return "", err
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, limit))
	return string(b), err
}

// readLocation reads a file that contains the absolute path of a directory.
func readLocation(root *os.Root, name string) (string, error) {
	text, err := readFile(root, name, 8<<10)
	if err != nil {
		return "", err
	}
	at := strings.TrimSpace(text)
	if !filepath.IsAbs(at) {
		return "", fmt.Errorf("%s holds %.100q, not an absolute path", filepath.Join(root.Name(), name), at)
	}
	return filepath.Clean(at), nil
}

// leavesRoot reports whether err is of a link that leads out of the cluster directory.
func leavesRoot(err error) bool {
	return errors.Is(err, syscall.ELOOP) || strings.Contains(err.Error(), "path escapes from parent")
}

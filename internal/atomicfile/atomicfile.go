// Package atomicfile replaces files completely or not at all.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Write replaces the file of a name: a reader sees the old content or the new one, never
// a part. After a crash of the machine the file may have either; WriteDurably returns
// when it is the new one.
func Write(name string, content []byte, mode fs.FileMode) error {
	return write(name, content, mode, false)
}

// WriteDurably is Write, and returns when content and name are on disk.
func WriteDurably(name string, content []byte, mode fs.FileMode) error {
	return write(name, content, mode, true)
}

func write(name string, content []byte, mode fs.FileMode, durably bool) (err error) {
	part := name + ".part"
	defer func() {
		if err != nil {
			_ = os.Remove(part) // the first error is the cause
		}
	}()
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil && durably {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if durably {
		return Commit(part, name)
	}
	return os.Rename(part, name)
}

// Replace replaces the content of a file that a person may own: a symbolic link stays and
// the file that it names is replaced, and mode and owner are those of before. A file without
// permission to write is not replaced. It returns when the new content is on disk.
func Replace(name string, content []byte) (err error) {
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return err
	}
	fi, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() || fi.Mode().Perm()&0o222 == 0 || unix.Access(name, unix.W_OK) != nil {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission}
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the cause
		}
	}()
	if err = errors.Join(sameOwner(f, fi), f.Chmod(fi.Mode().Perm())); err == nil {
		_, err = f.Write(content)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return Commit(f.Name(), name)
}

// sameOwner gives a file the owner and the group of another.
func sameOwner(f *os.File, of fs.FileInfo) error {
	want, ok := of.Sys().(*syscall.Stat_t)
	fi, err := f.Stat()
	if err != nil || !ok {
		return err
	}
	if now, ok := fi.Sys().(*syscall.Stat_t); ok && (now.Uid != want.Uid || now.Gid != want.Gid) {
		return f.Chown(int(want.Uid), int(want.Gid))
	}
	return nil
}

// Commit renames a file whose content is on disk, and returns when the name is on disk
// too.
func Commit(part, name string) error {
	if err := os.Rename(part, name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

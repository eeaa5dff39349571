// Package atomicfile replaces files completely or not at all.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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

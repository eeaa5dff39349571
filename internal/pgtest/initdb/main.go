// Command initdb stands in for PostgreSQL's program of that name in tests that make many
// clusters. The first call, of each user and with each set of options, runs the real one
// and keeps a copy of the cluster; the others copy that, and give it a system identifier
// of its own, as initdb does. That takes a fifth of the time. It does not sync.
//
// Its directory also has the link real-initdb, and templates, which anybody may write.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	self, err := os.Executable()
	if err == nil {
		err = run(filepath.Dir(self), os.Args[1:])
	}
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		os.Exit(failed.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "initdb: error:", err)
		os.Exit(1)
	}
}

// run makes the cluster that args name by -D.
func run(dir string, args []string) error {
	at := slices.Index(args, "-D") + 1
	if at == 0 || at == len(args) {
		return errors.New("-D is missing")
	}
	data := args[at]
	options := slices.Delete(slices.Clone(args), at, at+1)
	hash := crc32.ChecksumIEEE([]byte(strings.Join(options, "\x00")))
	template := filepath.Join(dir, "templates", fmt.Sprintf("%d-%08x", os.Geteuid(), hash))
	syscall.Umask(0o077) // the modes that a cluster has
	if _, err := os.Stat(template); err == nil {
		if err := os.CopyFS(data, os.DirFS(template)); err != nil {
			return err
		}
		return identify(data)
	}
	making := exec.Command(filepath.Join(dir, "real-initdb"), args...)
	making.Stdout, making.Stderr = os.Stdout, os.Stderr
	if err := making.Run(); err != nil {
		return err
	}
	return keep(data, template)
}

// keep copies a new cluster to template. Of several at once the first one stays.
func keep(data, template string) error {
	staging := template + "." + strconv.Itoa(os.Getpid())
	if err := os.CopyFS(staging, os.DirFS(data)); err != nil {
		return err
	}
	err := os.Rename(staging, template)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return os.RemoveAll(staging)
	}
	return err
}

// identify gives a copied cluster a new system identifier: in pg_control, the first field
// of which it is (catalog/pg_control.h), and in the head of its only file of WAL
// (access/xlog_internal.h), which has to have the same.
func identify(data string) error {
	var id [8]byte
	rand.Read(id[:]) // never fails
	control := filepath.Join(data, "global", "pg_control")
	b, err := os.ReadFile(control)
	if err != nil {
		return err
	}
	at, err := checksumAt(b)
	if err != nil {
		return err
	}
	before := bytes.Clone(b[:8])
	copy(b, id[:])
	binary.NativeEndian.PutUint32(b[at:], crc32.Checksum(b[:at], castagnoli))
	if err := os.WriteFile(control, b, 0o600); err != nil {
		return err
	}

	const identifierAt, nameLength = 24, 24 // behind the head that every page has; archive_status is beside the files
	wal := filepath.Join(data, "pg_wal")
	logs, err := os.ReadDir(wal)
	if err != nil {
		return err
	}
	logs = slices.DeleteFunc(logs, func(e fs.DirEntry) bool { return len(e.Name()) != nameLength })
	if len(logs) != 1 {
		return fmt.Errorf("%d files of WAL, not one", len(logs))
	}
	f, err := os.OpenFile(filepath.Join(wal, logs[0].Name()), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var was [8]byte
	if _, err := f.ReadAt(was[:], identifierAt); err != nil {
		return err
	}
	if !bytes.Equal(was[:], before) {
		return errors.New("the system identifier is not where it is looked for in the WAL")
	}
	_, err = f.WriteAt(id[:], identifierAt)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksumAt returns where pg_control has the checksum of all before it. Each version of
// PostgreSQL has it elsewhere, in the first 512 bytes.
func checksumAt(control []byte) (int, error) {
	for at := 8; at+4 <= min(len(control), 512); at += 4 {
		if crc32.Checksum(control[:at], castagnoli) == binary.NativeEndian.Uint32(control[at:]) {
			return at, nil
		}
	}
	return 0, errors.New("pg_control has no checksum")
}

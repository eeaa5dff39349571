package datadir

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/internal/filelock"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// An archive is a tar file, compressed with zstd, which has a checksum:
//
//	sightlog.json   first: format and id
//	log/…           the files of the bundled broker
//	postgres/data/… the files of the private cluster, as they are when its server
//	                has stopped; its PostgreSQL's major version reads them
//
// It has only directories and regular files, without owners: the user who imports it
// owns them.
const (
	archiveLog     = "log"
	archiveCluster = "postgres/data"
)

// Export writes the log and the private database of a data directory, as they are at one
// moment, to w. No process may use the directory; the database's server is started and
// stopped once before, so that its files are consistent.
func Export(ctx context.Context, dir string, w io.Writer, log *slog.Logger) (err error) {
	if !isDir(dir) {
		return notDir(dir)
	}
	d, err := open(dir, toAsk)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.quietly(ctx, log, func(p *postgres.Private) error { return d.checkDatabase(ctx, p, false) }); err != nil {
		return err
	}
	z, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	if err := d.export(t); err != nil {
		return errors.Join(fmt.Errorf("export %s: %w", d.path, err), z.Close())
	}
	return errors.Join(t.Close(), z.Close())
}

func (d *Dir) export(t *tar.Writer) error {
	text, err := json.Marshal(identity{Format: dataFormat, ID: d.identity.ID})
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: "sightlog.json", Mode: 0o600, Size: int64(len(text))}); err != nil {
		return err
	}
	if _, err := t.Write(text); err != nil {
		return err
	}
	if d.has("log") {
		root, err := os.OpenRoot(d.Path("log"))
		if err != nil {
			return err
		}
		defer root.Close()
		if err := exportAll(t, root, archiveLog); err != nil {
			return err
		}
	}
	root, err := postgres.OpenCluster(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the tables are in a database by URL
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return exportAll(t, root, archiveCluster)
}

// exportAll writes the files of a directory below a name.
func exportAll(t *tar.Writer, root *os.Root, below string) error {
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || below == archiveCluster && postgres.LeftOut(name) {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: path.Join(below, name), Mode: 0o600, ModTime: fi.ModTime(), Format: tar.FormatPAX}
		switch {
		case fi.IsDir():
			h.Typeflag, h.Mode, h.Name = tar.TypeDir, 0o700, h.Name+"/"
			return t.WriteHeader(h)
		case !fi.Mode().IsRegular():
			return usage.New("move its target into the directory", "%s is not a regular file: it cannot be part of an archive", path.Join(root.Name(), name))
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		h.Size = fi.Size()
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err = io.Copy(t, f)
		return err
	})
}

// Import creates a data directory from an archive. The directory must be missing or
// empty; it becomes a data directory when all of the archive is on disk.
func Import(ctx context.Context, r io.Reader, dir string) (err error) {
	if err := notEmpty(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return notWritable(dir, err)
	}
	lock, err := lockDir(dir, toWork)
	if err != nil {
		return err
	}
	defer filelock.Close(lock)
	z, err := zstd.NewReader(r)
	if err != nil {
		return err
	}
	defer z.Close()
	into, err := os.OpenRoot(dir)
	if err != nil {
		return notWritable(dir, err)
	}
	defer into.Close()
	im := importer{dir: dir, root: into, tar: tar.NewReader(z)}
	defer func() { err = errors.Join(err, im.close()) }()
	if err := im.readAll(); err != nil {
		return err
	}
	return im.commit(ctx)
}

// importer is an import in progress. The log is read into log.new, the cluster into a
// directory of package postgres's, and both get their names at the end.
type importer struct {
	dir      string
	root     *os.Root
	tar      *tar.Reader
	id       identity
	log      bool              // the archive has one
	database *postgres.Restore // nil without
}

const importedLog = "log.new"

func (im *importer) readAll() error {
	h, err := im.tar.Next()
	if err != nil || h.Name != "sightlog.json" || json.NewDecoder(io.LimitReader(im.tar, 64<<10)).Decode(&im.id) != nil {
		return usage.New("give a file that data export wrote", "not an archive of a data directory")
	}
	if im.id.Format > dataFormat {
		return usage.New("update sightlog", "the archive was made by a newer sightlog (format %d, this one knows %d)", im.id.Format, dataFormat)
	}
	for {
		h, err := im.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = im.add(h)
		}
		if usage.Is(err) {
			return err
		}
		if err != nil {
			return fmt.Errorf("the archive cannot be read to its end, nothing was imported: %w", err)
		}
	}
}

func (im *importer) add(h *tar.Header) error {
	name := path.Clean(h.Name)
	if !fs.ValidPath(name) || h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir {
		return fmt.Errorf("%q is no file that data export writes", h.Name)
	}
	if name == archiveCluster {
		r, err := postgres.NewRestore(im.dir)
		im.database = r
		return err
	}
	if in, ok := strings.CutPrefix(name, archiveCluster+"/"); ok && im.database != nil {
		if h.Typeflag == tar.TypeDir {
			return im.database.Mkdir(in)
		}
		return im.database.Add(in, im.tar)
	}
	in, ok := strings.CutPrefix(name+"/", archiveLog+"/")
	if !ok {
		return fmt.Errorf("%q is no file that data export writes", h.Name)
	}
	at := path.Join(importedLog, in)
	if h.Typeflag == tar.TypeDir {
		im.log = true
		return im.root.Mkdir(at, 0o755)
	}
	f, err := im.root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, im.tar)
	return errors.Join(err, f.Close())
}

func (im *importer) commit(ctx context.Context) error {
	if im.database != nil {
		if err := im.database.Commit(ctx); err != nil {
			return err
		}
	}
	top, err := im.root.Open(".")
	if err != nil {
		return err
	}
	defer top.Close()
	if im.log {
		if err := im.root.Rename(importedLog, "log"); err != nil {
			return err
		}
	}
	here, err := postgres.LocationOf(im.dir)
	if err != nil {
		return err
	}
	im.id.Format, im.id.Place = dataFormat, &here
	text, err := json.Marshal(im.id)
	if err != nil {
		return err
	}
	if err := im.root.WriteFile("sightlog.json", append(text, '\n'), 0o600); err != nil {
		return err
	}
	if err := unix.Syncfs(int(top.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", im.dir, err)
	}
	return nil
}

// close removes what was not committed.
func (im *importer) close() error {
	var err error
	if im.database != nil {
		err = im.database.Close()
	}
	if _, there := im.root.Lstat("sightlog.json"); there == nil {
		return err
	}
	for _, name := range []string{importedLog, "log", "lock"} {
		err = errors.Join(err, im.root.RemoveAll(name))
	}
	return err
}

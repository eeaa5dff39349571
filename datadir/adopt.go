package datadir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// Adopt makes a copy of a data directory a directory of its own. Its log, its database
// and sightlog.json get one id, the log's. A database outside of the directory that the
// original still uses stays the original's: then fresh is true, and the copy gets a
// database at its next start, filled from its log.
//
// A copy that was made while the original was in use may be inconsistent and is refused,
// unless snapshot is set: then it is of one moment, as a snapshot of a file system is.
func Adopt(ctx context.Context, path string, snapshot bool, log *slog.Logger) (fresh bool, err error) {
	if !isDir(path) {
		return false, notDir(path)
	}
	used := inUseWhenCopied(path)
	d, err := open(path, toAdopt)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	here, err := postgres.LocationOf(d.path)
	if err != nil {
		return false, err
	}
	if was := d.identity.Place; used != "" && was != nil && !here.Same(*was) && !snapshot {
		return false, usage.New("start and stop the original, and copy it then, or use: sightlog data export; a copy that shows one moment, such as a snapshot of the file system: add --snapshot",
			"--data %s: was copied while it was in use, or after a crash (%s exists): log and database may not be of the same moment", path, used)
	}
	if d.has("log") {
		b, err := openBroker(broker.Config{Listen: "127.0.0.1:0", Dir: d.Path("log"), Log: log})
		if err != nil {
			return false, err
		}
		d.identity.ID = b.ClusterID()
		if err := b.Close(); err != nil {
			return false, err
		}
	}
	if d.identity.ID == "" {
		d.identity.ID = broker.NewClusterID()
	}
	if fresh, err = postgres.Adopt(d.path); err != nil {
		return false, err
	}
	if err := d.quietly(ctx, log, func(p *postgres.Private) error { return d.checkDatabase(ctx, p, true) }); err != nil {
		return false, err
	}
	d.identity.Format, d.identity.Place = dataFormat, &here
	return fresh, d.writeJSON("sightlog.json", d.identity, atomicfile.WriteDurably)
}

// quietly starts the private server, if there is a database, calls f, and stops the
// server with a checkpoint.
func (d *Dir) quietly(ctx context.Context, log *slog.Logger, f func(*postgres.Private) error) error {
	has, err := postgres.HasPrivate(d.path)
	if err != nil || !has {
		return err
	}
	p, err := postgres.StartPrivate(ctx, d.path, log)
	if err != nil {
		return err
	}
	return errors.Join(f(p), p.Stop(ctx))
}

// inUseWhenCopied returns a file that only a running sightlog or its database
// leaves, or "".
func inUseWhenCopied(path string) string {
	for _, name := range []string{"endpoints.json", "postgres/data/postmaster.pid"} {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			return name
		}
	}
	return ""
}

func isDir(path string) bool {
	_, err := os.Stat(filepath.Join(path, "sightlog.json"))
	return err == nil
}

func notDir(path string) error {
	return usage.New("give the --data of a run", "--data %s: not a data directory of sightlog", path)
}

// notEmpty is an error unless a directory is empty or missing.
func notEmpty(path string) error {
	names, err := os.ReadDir(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(names) == 0 {
		return nil
	}
	if err != nil {
		return notWritable(path, err)
	}
	return usage.New("give one that does not exist yet", "--data %s: is not empty: %s is in it", path, fmt.Sprint(names[0].Name()))
}

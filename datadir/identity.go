package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// readIdentity reads sightlog.json; without one the format is 0.
func readIdentity(path string) (identity, error) {
	var id identity
	b, err := os.ReadFile(filepath.Join(path, "sightlog.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return id, nil
	}
	if err != nil {
		return id, usage.Wrap(err, "work as its owner, or, when it is yours: sudo chown -R \"$USER\" "+path, "--data %s: sightlog.json belongs to %s: %v", path, ownerName(path), usage.Cause(err))
	}
	if err := json.Unmarshal(b, &id); err != nil {
		return id, usage.Wrap(err, "restore it from a backup, or give another --data", "--data %s: sightlog.json is damaged", path)
	}
	if id.Format > dataFormat {
		return id, usage.New("update sightlog, or give another --data", "--data %s: made by a newer sightlog (format %d, this one knows %d)", path, id.Format, dataFormat)
	}
	return id, nil
}

// checkLocation compares the directory's location with the recorded one, and records the
// new one. A directory that was renamed is the same.
func (d *Dir) checkLocation(why purpose) error {
	here, err := postgres.LocationOf(d.path)
	if err != nil {
		return notWritable(d.path, err)
	}
	was := d.identity.Place
	if was != nil && !here.Continues(*was) && why != toAdopt {
		return isCopy(d.path, *was)
	}
	if why != toWork {
		return nil
	}
	now := identity{Format: dataFormat, ID: d.identity.ID, Place: &here}
	if now.ID == "" && !d.has("log") {
		now.ID = broker.NewClusterID()
	}
	if was != nil && *was == here && now.ID == d.identity.ID && now.Format == d.identity.Format {
		return nil // nothing to write, which would fail on a full disk
	}
	err = d.writeJSON("sightlog.json", now, atomicfile.WriteDurably)
	if isFull(err) && d.identity.Format == dataFormat {
		return nil // a later start records it
	}
	if err != nil {
		return notWritable(d.path, err)
	}
	d.identity = now
	return nil
}

func isCopy(path string, of postgres.Location) error {
	return usage.New("if it is meant to be a directory of its own: sightlog data adopt --data "+path, "--data %s: is a copy of %s", path, of.Path)
}

func (d *Dir) has(name string) bool {
	_, err := os.Lstat(d.Path(name))
	return err == nil
}

// OpenBroker opens the directory's log. A log of another data directory is a
// *usage.Error.
func (d *Dir) OpenBroker(cfg broker.Config) (*broker.Broker, error) {
	cfg.Dir, cfg.ClusterID = d.Path("log"), d.identity.ID
	b, err := openBroker(cfg)
	if errors.Is(err, broker.ErrOtherCluster) {
		return nil, usage.Wrap(err, "put its own back, or, if they are meant to be together: sightlog data adopt --data "+d.path,
			"--data %s: log/ is that of another data directory (%v)", d.path, err)
	}
	if err != nil || d.identity.ID != "" {
		return b, err
	}
	d.identity.ID = b.ClusterID()
	if err := d.writeJSON("sightlog.json", d.identity, atomicfile.WriteDurably); err != nil && !isFull(err) {
		return nil, errors.Join(notWritable(d.path, err), b.Close())
	}
	return b, nil
}

// CheckDatabase returns an error if a private database belongs to another directory.
func (d *Dir) CheckDatabase(ctx context.Context, p *postgres.Private) error {
	return d.checkDatabase(ctx, p, false)
}

func (d *Dir) checkDatabase(ctx context.Context, p *postgres.Private, adopt bool) error {
	if d.identity.ID == "" {
		return nil // a directory of an older program gets its id when its log is opened
	}
	if err := p.Identify(ctx, d.identity.ID, adopt); err != nil {
		return fmt.Errorf("--data %s: %w", d.path, err)
	}
	return nil
}

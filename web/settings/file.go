package settings

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/yamlfile"
)

// Errors that a client branches on.
var (
	errNoFile  = errors.New("there is no configuration file to write to")
	errChanged = errors.New("the settings of this camera have changed since they were loaded")
)

// version is the entity tag of a camera's settings.
func version(c config.CameraSettings) string {
	b, _ := json.Marshal(c) // of plain values: no error
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// edit is a change that has been checked and not been written.
type edit struct {
	before, after []byte
	file          config.File // of after
	settings      config.CameraSettings
	renamed       config.Renames
}

// stored returns the text of the configuration file and the camera's settings in it; without
// a file, those in use.
func (c *Config) stored(camera string) (text []byte, settings config.CameraSettings, err error) {
	if c.File == "" {
		return nil, c.InUse()[camera], nil
	}
	if text, err = yamlfile.Read(c.File); err != nil {
		return nil, settings, explain(err)
	}
	f, err := config.Decode(c.File, text)
	if err != nil {
		return nil, settings, err
	}
	return text, f.Cameras()[camera], nil
}

// prepare makes the edit and checks it as a start does.
func (c *Config) prepare(camera string, change Change) (e edit, err error) {
	text, settings, err := c.stored(camera)
	if err != nil {
		return e, err
	}
	if err := change.check(settings); err != nil {
		return e, err
	}
	e.before, e.renamed = text, change.Renamed
	e.settings = settings.Renamed(change.Renamed).With(change.Shapes)
	if _, err := pipeline.ShapesOf(camera, e.settings, c.Tracked); err != nil {
		return e, err
	}
	path := c.File
	if path == "" {
		path = "sightlog.yaml"
	}
	after, err := config.RenameShapes(path, text, camera, change.Renamed)
	if err == nil {
		e.after, err = config.SetShapes(after, camera, change.Shapes)
	}
	if err != nil {
		return e, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	e.file, err = config.Decode(path, e.after)
	return e, err
}

// alarms returns the names of the alarms that look at what the edit renames.
func (e edit) alarms(camera string) (names []string) {
	is := func(all map[string]string, name string) bool {
		for _, to := range all {
			if to == name && name != "" {
				return true
			}
		}
		return false
	}
	for _, r := range e.file.Alarms() {
		if r.Camera == camera && (is(e.renamed.Zones, r.Zone) || is(e.renamed.Lines, r.Line)) {
			names = append(names, r.Name)
		}
	}
	return names
}

// write writes the edit, if the file is still the one of before, and hands the settings to
// the running detect. It reports whether they are in use, or will be from the next frames on.
func (c *Config) write(ctx context.Context, camera string, e edit) (used bool, err error) {
	if c.File == "" {
		return false, errNoFile
	}
	now, err := yamlfile.Read(c.File)
	if err != nil {
		return false, explain(err)
	}
	if !bytes.Equal(now, e.before) {
		return false, errChanged
	}
	if err := atomicfile.Replace(c.File, e.after); err != nil {
		return false, explain(err)
	}
	if c.Store != nil {
		if err := c.Store(ctx, e.file); err != nil {
			return false, fmt.Errorf("the file is written, but places and staff are not stored: %w", err)
		}
	}
	if c.Change == nil {
		return false, nil
	}
	c.Change(camera, e.settings.Shapes(), e.renamed)
	return true, nil
}

// explained reports whether explain knows what to do.
func explained(err error) bool { return usage.Is(explain(err)) }

// explain says what to do about a file that cannot be read or written.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usage.Wrap(err, "put it back, or start sightlog with another --config", "the configuration file is gone")
	case errors.Is(err, fs.ErrPermission):
		return usage.Wrap(err, "let the user that sightlog runs as write the file and its directory, or edit the file by hand", "the configuration file cannot be written: permission denied")
	case errors.Is(err, syscall.EROFS):
		return usage.Wrap(err, "edit it where it can be written, or mount it writable", "the configuration file is on a read-only file system")
	case errors.Is(err, syscall.EBUSY):
		return usage.Wrap(err, "mount the directory that it is in, not the file alone", "the configuration file is a mount of its own and cannot be replaced")
	case errors.Is(err, syscall.ENOSPC):
		return usage.Wrap(err, "free some space", "the disk of the configuration file is full")
	}
	return err
}

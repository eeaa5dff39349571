package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/usage"
)

// DataCmd copies and moves data directories. No process may use them meanwhile.
type DataCmd struct {
	Export DataExportCmd `cmd:"" help:"Write log and private database of a data directory into one file."`
	Import DataImportCmd `cmd:"" help:"Create a data directory from such a file: anywhere, as any user."`
	Adopt  DataAdoptCmd  `cmd:"" help:"Make a copy of a data directory an independent one."`
}

// DataExportCmd writes an archive.
type DataExportCmd struct {
	config.Data
	Out string `required:"" placeholder:"FILE" env:"-" help:"The archive to write (tar, zstd), or - for standard output. An existing file is not overwritten."`
}

// Run implements the command.
func (c *DataExportCmd) Run(ctx context.Context, env *Env) (err error) {
	if c.Out == "-" {
		return datadir.Export(ctx, c.Data.Data, env.Stdout, env.Logger(slog.LevelWarn))
	}
	out, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usage.Wrap(err, "give another name", "--out %s: exists", c.Out)
	}
	if err != nil {
		return usage.Wrap(err, "give a file that can be written", "--out: %v", err)
	}
	err = datadir.Export(ctx, c.Data.Data, out, env.Logger(slog.LevelWarn))
	if err == nil {
		err = out.Sync()
	}
	fi, statErr := out.Stat()
	if err = errors.Join(err, statErr, out.Close()); err != nil {
		return errors.Join(err, os.Remove(c.Out))
	}
	fmt.Fprintf(env.Stdout, "%s: %d bytes, the log and the private database of %s\n", c.Out, fi.Size(), c.Data.Data)
	return nil
}

// DataImportCmd reads an archive.
type DataImportCmd struct {
	config.Data
	File string `arg:"" help:"The archive, or - for standard input."`
}

// Run implements the command.
func (c *DataImportCmd) Run(ctx context.Context, env *Env) error {
	in := env.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return usage.Wrap(err, "give a file that data export wrote", "%v", err)
		}
		defer f.Close()
		in = f
	}
	if err := datadir.Import(ctx, in, c.Data.Data); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s is a data directory now\n", c.Data.Data)
	return nil
}

// DataAdoptCmd adopts a copy.
type DataAdoptCmd struct {
	config.Data
	Snapshot bool `env:"-" help:"The copy is of one moment, although the original was in use: it is a snapshot of the file system, or was made after a crash."`
}

// Run implements the command.
func (c *DataAdoptCmd) Run(ctx context.Context, env *Env) error {
	fresh, err := datadir.Adopt(ctx, c.Data.Data, c.Snapshot, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s is a data directory of its own now\n", c.Data.Data)
	if fresh {
		fmt.Fprintln(env.Stdout, "it has no private database: the next start creates one, and fills it from the log")
	}
	return nil
}

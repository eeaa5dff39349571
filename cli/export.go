package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// ExportCmd writes the detections of a run in the formats of other tools.
type ExportCmd struct {
	config.Data
	config.Database
	FilterFlags
	Format  string `enum:"mot,coco" required:"" env:"-" help:"mot or coco."`
	Tracked bool   `env:"-" help:"Leave out detections without a track, as tools that score tracks require."`
	Out     string `placeholder:"FILE" env:"-" help:"Write to this file instead of standard output."`
}

// Help is the rest of --help.
func (*ExportCmd) Help() string {
	return `One run is written: that of --run, else the newest of --camera, else the newest of all.

mot is the text of the MOT Challenge, one line a detection: frame,id,left,top,width,height,conf,-1,-1,-1. Frames count from 1 (seq + 1), pixels from 0; id is the track, -1 without one. TrackEval and py-motmetrics want each id once a frame: add --tracked for them.

coco is a COCO data set with an image for each frame (id: seq + 1; file_name: clip.avi#seq) and a score on each annotation. pycocotools loads it as it is, and loadRes takes its "annotations" as results. category_id is the model's class + 1: a person is 1.

` + WhenHelp
}

// Run implements the command.
func (c *ExportCmd) Run(ctx context.Context, env *Env) (err error) {
	filter, err := c.Filter(env)
	if err != nil {
		return err
	}
	db, done, err := database.Open(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	e, err := query.FindExport(ctx, db, filter)
	if err != nil {
		return err
	}
	e.Tracked = c.Tracked
	out := openAnswer(env.Stdout)
	var w io.Writer = out
	if c.Out != "" {
		f, err := os.Create(c.Out)
		if err != nil {
			return usage.Wrap(err, "give a file you may write", "--out %s: %v", c.Out, err)
		}
		defer func() {
			if cerr := f.Close(); err == nil && cerr != nil {
				err = fmt.Errorf("write %s: %w", c.Out, cerr)
			}
		}()
		w = f
	}
	n, err := e.Write(ctx, db, w, c.Format)
	if err != nil {
		return out.done(err)
	}
	_, err = fmt.Fprintf(env.Stderr, "camera %s, run %s: %d detections in %d frames\n", e.Camera, e.Run, n.Detections, n.Frames)
	return err
}

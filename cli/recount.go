package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// RecountCmd counts a past again with other zones and lines.
type RecountCmd struct {
	config.Data
	config.Database
	Camera     string  `placeholder:"ID" env:"-" help:"Only this camera."`
	Since      When    `placeholder:"TIME" env:"-" help:"From this time on, written as --since of query is; from the beginning without it."`
	Until      When    `placeholder:"TIME" env:"-" help:"Up to this time; up to the newest without it."`
	Format     string  `enum:"table,csv,json" default:"table" env:"-" help:"table, csv or json (${default})."`
	TrackScore float32 `placeholder:"S" env:"-" help:"Track the detections again, as a run with --score S and the cameras' thing-after; without it, tracks stay as they are."`
	Resume     int32   `placeholder:"N" env:"-" help:"Continue recount N, which was interrupted."`
	Drop       int32   `placeholder:"N" env:"-" help:"Remove recount N instead."`
}

// Help is the rest of --help.
func (*RecountCmd) Help() string {
	return `The zones and lines are those of the cameras in the file of --config. They are applied to the detections in the tables, as a run with them would have counted; settings that decide what is detected (masks, region, fps) have no effect. With --track-score the detections are tracked anew, too: those below it count only where a track expects them, and the numbers of tracks are others; what the run left out stays out, so a lower score than the run's changes nothing. Columns: camera, kind, name, figure (in and out of a line, visits of a zone), before, recounted; a figure that is not defined is empty. Standard error names the number of the recount, with which query NAME --recount N answers from its tables, and the schema that has them. Nothing of before is changed. Visits and crossings count from --since on.

It may run beside everything that writes and reads the tables, in memory that does not grow with the time. What interrupts it loses little: --resume N continues recount N, with the same file of --config, and counts anew only the runs (openings of a source) that were being counted. A recount that is not complete answers no questions.

` + WhenHelp
}

// The widest span of a recount: that of possible times.
var firstTime, lastTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// Run implements the command.
func (c *RecountCmd) Run(ctx context.Context, env *Env) (err error) {
	if err := checkSpan(env, c.Since, c.Until); err != nil {
		return err
	}
	if c.Drop < 0 {
		return usage.New("give the number of a recount", "--drop %d", c.Drop)
	}
	if !(c.TrackScore >= 0 && c.TrackScore <= 1) {
		return usage.New("give a number from 0 to 1", "--track-score %v", c.TrackScore)
	}
	if c.Resume < 0 || c.Resume > 0 && (c.Drop > 0 || c.Camera != "" || c.TrackScore != 0 || !c.Since.IsZero() || !c.Until.IsZero()) {
		return usage.New("give the number of a recount and its file of --config alone: it has its own cameras, time and --track-score", "--resume %d", c.Resume)
	}
	pool, done, err := database.OpenToWrite(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if c.Drop > 0 {
		return pipeline.DropRecount(ctx, pool, c.Drop)
	}
	cfg := pipeline.RecountConfig{
		Pool: pool, Cameras: env.Cameras, Only: c.Camera, Since: c.Since.Time, Until: c.Until.Time, Score: c.TrackScore, Resume: c.Resume,
	}
	if cfg.Since.IsZero() {
		cfg.Since = firstTime
	}
	if cfg.Until.IsZero() {
		cfg.Until = lastTime
	}
	begun, shown := time.Now(), time.Now()
	cfg.Progress = func(p pipeline.RecountProgress) {
		if time.Since(shown) > replayLine {
			shown = time.Now()
			fmt.Fprintln(env.Stderr, recountLine(p, time.Since(begun)))
		}
	}
	var id int32
	cfg.Begun = func(n int32) {
		id, begun = n, time.Now()
		fmt.Fprintf(env.Stderr, "this is recount %d; if it is interrupted, --resume %d continues it\n", id, id)
	}
	r, err := pipeline.Recount(ctx, cfg)
	if err != nil {
		return err
	}
	t := &query.Table{Columns: []string{"camera", "kind", "name", "figure", "before", "recounted"}}
	for _, f := range r.Figures {
		t.Rows = append(t.Rows, []any{f.Camera, f.Kind, f.Name, f.Figure, countOrNil(f.Before), countOrNil(f.Now)})
	}
	out := openAnswer(env.Stdout)
	if err := out.done(t.Write(out, c.Format)); err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "recount %d of %d sightings, in schema %s; ask with query NAME --recount %d\n", r.ID, r.Sightings, r.Schema, r.ID)
	if r.Sightings < r.Frames {
		fmt.Fprintf(env.Stderr, "note: the tables lack %d of the %d sightings of that time (--keep, --store): what was in them is not counted\n", r.Frames-r.Sightings, r.Frames)
	}
	return nil
}

// recountLine returns how far a recount is after a time, and how long it will take.
func recountLine(p pipeline.RecountProgress, took time.Duration) string {
	line := fmt.Sprintf("camera %s up to %s: %d of %d frames", p.Camera, p.Until.UTC().Format("2006-01-02 15:04Z"), p.Done, p.Frames)
	if p.Done > 0 {
		left := time.Duration(float64(took) * float64(p.Frames-p.Done) / float64(p.Done))
		line += fmt.Sprintf(" (%d %%), about %s left", 100*p.Done/p.Frames, left.Round(time.Second))
	}
	return line
}

// countOrNil returns the cell of a number, which may be missing.
func countOrNil(n *int64) any {
	if n == nil {
		return nil
	}
	return count(*n)
}

package full

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

// AuditCmd draws a sample of the counts of a line for a user to check, and stores the answers.
type AuditCmd struct {
	config.Data
	config.Database
	config.Privacy
	cli.FilterFlags
	Line      string `placeholder:"NAME" env:"-" help:"The line; not needed where the camera has one."`
	Clip      string `placeholder:"FILE" env:"-" help:"The file that the run read; without it, where the run found it."`
	Snapshots bool   `env:"-" help:"Judge on the pictures that --snapshots on kept, also of a live camera; how many were missed is estimated where it kept --snapshot-stretches."`
	N         int    `name:"n" default:"200" env:"-" help:"Number of crossings and stretches to check (${default})."`
	Seed      int64  `placeholder:"N" env:"-" help:"Draw the sample with this seed, 1 or more; without it, with a random one."`
	Out       string `placeholder:"FILE" env:"-" help:"The page, audit-ID.html without it; with --terminal the directory of pictures, audit-ID."`
	Terminal  bool   `env:"-" help:"Write the pictures to a directory and ask here instead of on a page."`
	Answers   string `placeholder:"FILE" env:"-" help:"Store the answers that the page has saved, and print the result."`
	Compare   int32  `placeholder:"ID" env:"-" help:"Compare the recounts of the time of audit ID with its answers."`
}

// Help is the rest of --help.
func (*AuditCmd) Help() string {
	return `Draws crossings that were counted, and stretches of 10 seconds in which somebody was near the line, at random, and writes a page with pictures of them that asks for each: y, n or r (the other direction) for a crossing, the missed crossings in and out for a stretch. Open it in a browser; it holds all pictures and needs no network. It saves a file for --answers, which prints: in 94 % ± 3, counted divided by actual with its 95 % interval, precision and recall; sightlog query audits shows it again. The run must have read a file, which must still exist; with --snapshots, any camera is judged on the pictures that were kept: of crossings, and of stretches that were drawn at random (--snapshot-stretches); without the latter what was missed is not asked.

` + `--compare shows which recount (sightlogd recount, with other lines, --track-score or thing-after) comes closest to the answers: errors are crossings too many or too few at half of the checked items, which choose the best, and errors_held_out those at the other half, which say what the choice is worth.

` + cli.WhenHelp
}

// fewest is the smallest sample.
const fewest = 10

// Run implements the command.
func (c *AuditCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	switch {
	case c.Answers != "":
		return c.answer(ctx, env)
	case c.Compare != 0:
		return c.compare(ctx, env)
	}
	filter, err := c.Filter(env)
	if err != nil {
		return err
	}
	switch {
	case c.Snapshots && c.Clip != "":
		return usage.New("take out one of them", "--snapshots and --clip are two places of pictures")
	case c.Camera == "":
		return usage.New("name the camera, or give --answers FILE", "--camera is missing")
	case c.N < fewest:
		return usage.New(fmt.Sprintf("give %d or more", fewest), "--n %d", c.N)
	case c.Seed < 0:
		return usage.New("give 1 or more", "--seed %d", c.Seed)
	case c.Seed == 0:
		c.Seed = 1 + rand.Int64N(1_000_000_000)
	}
	db, done, err := database.OpenToWrite(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	subject := &audit.Subject{Camera: filter.Camera, Line: c.Line, Since: filter.Since, Until: filter.Until,
		Run: filter.Run, Snapshots: c.Snapshots}
	population, files, err := c.population(ctx, env, db, subject)
	if err != nil {
		return err
	}
	privacy := preview.Privacy(c.PrivacyOf(env.Cameras[subject.Camera]))
	a := &auditSample{privacy: privacy, db: db, subject: subject, population: population, seed: uint64(c.Seed)}
	a.units = audit.Draw(population, c.N, a.seed)
	fmt.Fprintf(env.Stderr, "reading pictures of %d crossings and stretches\n", len(a.units))
	if c.Snapshots {
		err = a.takeSnapshots(ctx)
	} else {
		err = a.takePictures(ctx, files)
	}
	if err != nil {
		return err
	}
	if c.Terminal {
		return a.askInTerminal(ctx, env, c.Out)
	}
	return a.writePage(ctx, env, c.Out)
}

// population finds what there is to ask, and the files of its runs.
func (c *AuditCmd) population(ctx context.Context, env *cli.Env, db *pgxpool.Pool, s *audit.Subject) (*audit.Population, map[int32]string, error) {
	runs, err := audit.Find(ctx, db, s)
	if err != nil {
		return nil, nil, err
	}
	var files map[int32]string
	if !c.Snapshots {
		if runs, files, err = findFiles(ctx, env, runs, c.Clip); err != nil {
			return nil, nil, err
		}
	}
	p, err := audit.Read(ctx, db, s, runs)
	if err != nil {
		return nil, nil, err
	}
	if p.NoPictures > 0 {
		fmt.Fprintf(env.Stderr, "note: %d crossings are not audited, because there are no pictures of them\n", p.NoPictures)
	}
	if p.Expired > 0 {
		fmt.Fprintf(env.Stderr, "note: %d crossings are not audited, because the detections of their time have been deleted (--keep)\n", p.Expired)
	}
	if p.LostOnes > 0 {
		fmt.Fprintf(env.Stderr, "note: %d stretches that were drawn are not audited, because there are no pictures of them\n", p.LostOnes)
	}
	if p.OtherRuns > 0 {
		fmt.Fprintf(env.Stderr, "note: %d runs are not audited, because they kept no pictures of stretches (--snapshot-stretches)\n", p.OtherRuns)
	}
	return p, files, nil
}

// compare compares recounts with the answers of an audit.
func (c *AuditCmd) compare(ctx context.Context, env *cli.Env) (err error) {
	if c.Compare < 0 {
		return usage.New("give the number of an audit", "--compare %d", c.Compare)
	}
	db, done, err := database.OpenToWrite(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return compareRecounts(ctx, env.Stdout, db, c.Compare)
}

// answer stores the answers of a file.
func (c *AuditCmd) answer(ctx context.Context, env *cli.Env) (err error) {
	f, err := os.Open(c.Answers)
	if err != nil {
		return usage.Wrap(err, "give the file that the page saved", "--answers %s: %v", c.Answers, usage.Cause(err))
	}
	defer f.Close()
	file, err := audit.ReadFile("--answers "+c.Answers, f)
	if err != nil {
		return err
	}
	db, done, err := database.OpenToWrite(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return storeAnswers(ctx, env.Stdout, db, file, "--answers "+c.Answers)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// QueryCmd answers questions from the tables.
type QueryCmd struct {
	People    PeopleCmd    `cmd:"" help:"People per camera and minute (UTC)."`
	Crossings CrossingsCmd `cmd:"" help:"Crossings of lines per camera and minute (UTC)."`
	Latest    LatestCmd    `cmd:"" help:"The newest sighting of each camera."`
	Latency   LatencyCmd   `cmd:"" help:"How long each stage took, grabbed to committed."`
	SQL       SQLCmd       `cmd:"" name:"sql" help:"Any SQL, in a read-only transaction. Begin with the view v_detections."`
}

// From is where to ask and how to print.
type From struct {
	config.Data
	config.Database
	Format string `enum:"table,csv,json" default:"table" help:"table, csv or json (${default})."`
}

// Which narrows a question.
type Which struct {
	Camera string `placeholder:"ID" env:"-" help:"Of this camera alone."`
	RunID  string `name:"run" placeholder:"RUN" env:"-" help:"Of this run alone."`
	Since  When   `placeholder:"TIME" env:"-" help:"Captured at or after this time: 1h (ago), 10:30, yesterday, '2026-11-25 10:00' (local time), 2026-11-25T10:00:00Z."`
	Until  When   `placeholder:"TIME" env:"-" help:"Captured before this time, written as --since is."`
}

// Help is the rest of --help.
func (*Which) Help() string { return whenHelp }

// filter says on standard error which times local ones were taken for.
func (w *Which) filter(env *Env) (query.Filter, error) {
	if !w.Since.IsZero() && !w.Until.IsZero() && !w.Since.Before(w.Until.Time) {
		const form = "2006-01-02 15:04:05Z"
		return query.Filter{}, usage.New("give a --since that is earlier", "--since %s (%s) is not before --until %s (%s)",
			w.Since.text, w.Since.UTC().Format(form), w.Until.text, w.Until.UTC().Format(form))
	}
	for _, note := range []string{w.Since.note("--since"), w.Until.note("--until")} {
		if note != "" {
			fmt.Fprintln(env.Stderr, note)
		}
	}
	return query.Filter{Camera: w.Camera, Run: w.RunID, Since: w.Since.Time, Until: w.Until.Time}, nil
}

// PeopleCmd counts people.
type PeopleCmd struct {
	From
	Which
}

// CrossingsCmd counts crossings of lines.
type CrossingsCmd struct {
	From
	Which
}

// LatestCmd shows the newest sightings.
type LatestCmd struct {
	From
	Which
}

// LatencyCmd shows the stages.
type LatencyCmd struct {
	From
	Which
}

// SQLCmd runs a person's own query.
type SQLCmd struct {
	From
	Statement string `arg:"" help:"One statement."`
}

// Run implements the command.
func (c *PeopleCmd) Run(ctx context.Context, env *Env) error {
	return c.narrowed(ctx, env, c.From, query.People)
}

// Run implements the command.
func (c *CrossingsCmd) Run(ctx context.Context, env *Env) error {
	return c.narrowed(ctx, env, c.From, query.Crossings)
}

// Run implements the command.
func (c *LatestCmd) Run(ctx context.Context, env *Env) error {
	return c.narrowed(ctx, env, c.From, query.Latest)
}

// Run implements the command.
func (c *LatencyCmd) Run(ctx context.Context, env *Env) error {
	return c.narrowed(ctx, env, c.From, query.Latency)
}

// Help is the rest of --help.
func (*SQLCmd) Help() string {
	return `One SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN. Rows are printed as they come. The private database is asked as sightlog_reader, a role that can only read. With --database-url the role is the URL's: the transaction is read-only, but a superuser's functions read files and end sessions. Give a role there that can only read.`
}

// Run implements the command.
func (c *SQLCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, query.SQL(c.Statement))
}

// narrowed asks a question of what the flags leave.
func (w *Which) narrowed(ctx context.Context, env *Env, from From, question func(query.Filter) query.Question) error {
	f, err := w.filter(env)
	if err != nil {
		return err
	}
	return from.ask(ctx, env, question(f))
}

// ask opens the database, asks, and prints the answer as it comes.
func (f *From) ask(ctx context.Context, env *Env, question query.Question) (err error) {
	db, done, err := database.Open(ctx, f.Data, f.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	out := openAnswer(env.Stdout)
	return out.done(question.Answer(ctx, db, out, f.Format))
}

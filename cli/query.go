package cli

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/query"
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
	Camera string    `placeholder:"ID" env:"-" help:"Of this camera alone."`
	RunID  string    `name:"run" placeholder:"RUN" env:"-" help:"Of this run alone."`
	Since  time.Time `placeholder:"TIME" env:"-" help:"Captured at or after this time, as 2006-01-02T15:04:05Z."`
	Until  time.Time `placeholder:"TIME" env:"-" help:"Captured before this time."`
}

func (w *Which) filter() query.Filter {
	return query.Filter{Camera: w.Camera, Run: w.RunID, Since: w.Since, Until: w.Until}
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
	return c.ask(ctx, env, func(db *pgxpool.Pool) (*query.Table, error) { return query.People(ctx, db, c.filter()) })
}

// Run implements the command.
func (c *CrossingsCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(db *pgxpool.Pool) (*query.Table, error) { return query.Crossings(ctx, db, c.filter()) })
}

// Run implements the command.
func (c *LatestCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(db *pgxpool.Pool) (*query.Table, error) { return query.Latest(ctx, db, c.filter()) })
}

// Run implements the command.
func (c *LatencyCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(db *pgxpool.Pool) (*query.Table, error) { return query.Latency(ctx, db, c.filter()) })
}

// Run implements the command.
func (c *SQLCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(db *pgxpool.Pool) (*query.Table, error) { return query.SQL(ctx, db, c.Statement) })
}

// ask opens the database, asks, and prints the answer.
func (f *From) ask(ctx context.Context, env *Env, question func(*pgxpool.Pool) (*query.Table, error)) (err error) {
	db, done, err := pipeline.OpenDatabase(ctx, f.Data, f.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	t, err := question(db)
	if err != nil {
		return err
	}
	return t.Write(env.Stdout, f.Format)
}

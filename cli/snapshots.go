package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// SnapshotsCmd lists and deletes the pictures that --snapshots takes.
type SnapshotsCmd struct {
	List   SnapshotsListCmd   `cmd:"" help:"The pictures in the tables, the newest first."`
	Delete SnapshotsDeleteCmd `cmd:"" help:"Delete pictures, from the tables and from the log."`
}

// SnapshotsFilterFlags choose pictures.
type SnapshotsFilterFlags struct {
	Camera string `placeholder:"ID" env:"-" help:"Only this camera."`
	Run    string `placeholder:"RUN" env:"-" help:"Only this run."`
	Track  *int64 `placeholder:"N" env:"-" help:"Only this track of the run: all its pictures."`
	Since  When   `placeholder:"TIME" env:"-" help:"Captured at or after this time, written as --since of query is."`
	Until  When   `placeholder:"TIME" env:"-" help:"Captured before this time."`
}

// storedSnapshots selects what the flags choose.
const storedSnapshots = `
	FROM snapshots s JOIN runs r ON r.id = s.run_id JOIN cameras c ON c.id = s.camera_id
	WHERE ($1 = '' OR c.name = $1) AND ($2 = '' OR r.run = $2) AND ($3::bigint IS NULL OR s.track_id = $3)
	AND ($4::timestamptz IS NULL OR s.captured_at >= $4) AND ($5::timestamptz IS NULL OR s.captured_at < $5)`

func (f *SnapshotsFilterFlags) args(env *Env) ([]any, error) {
	if err := checkSpan(env, f.Since, f.Until); err != nil {
		return nil, err
	}
	if f.Track != nil && f.Run == "" {
		return nil, usage.New("add --run; numbers of tracks are those of a run", "--track %d", *f.Track)
	}
	args := []any{f.Camera, f.Run, f.Track, nil, nil}
	if !f.Since.IsZero() {
		args[3] = f.Since.Time
	}
	if !f.Until.IsZero() {
		args[4] = f.Until.Time
	}
	return args, nil
}

// exist checks that what the flags name is there.
func (f *SnapshotsFilterFlags) exist(ctx context.Context, db *pgxpool.Pool) error {
	return query.Filter{Camera: f.Camera, Run: f.Run}.CheckExists(ctx, db)
}

// SnapshotsListCmd lists pictures.
type SnapshotsListCmd struct {
	config.Data
	config.Database
	SnapshotsFilterFlags
	Limit  int    `default:"100" env:"-" help:"At most so many (${default})."`
	Format string `enum:"table,csv,json" default:"table" env:"-" help:"table, csv or json (${default})."`
}

// Run implements the command.
func (c *SnapshotsListCmd) Run(ctx context.Context, env *Env) error {
	args, err := c.args(env)
	if err != nil {
		return err
	}
	if c.Limit < 1 {
		return usage.New("give 1 or more", "--limit %d", c.Limit)
	}
	return stored{
		Data: c.Data, Database: c.Database, format: c.Format, check: c.exist,
		columns: []string{"captured_at", "camera", "run", "track_id", "of", "score", "width", "height", "bytes"},
		sql: `SELECT s.captured_at, c.name, r.run, s.track_id, CASE WHEN s.crossing_seq = -1 THEN 'track' WHEN s.track_id = 0 THEN 'stretch' ELSE 'crossing' END,
		s.score, s.width, s.height, s.bytes` + storedSnapshots + " ORDER BY s.captured_at DESC, s.track_id, s.crossing_seq, s.step LIMIT $6",
		args: append(args, c.Limit),
	}.answer(ctx, env)
}

// SnapshotsDeleteCmd deletes pictures.
type SnapshotsDeleteCmd struct {
	ClusterAddress
	config.Database
	SnapshotsFilterFlags
}

// Help is the rest of --help.
func (*SnapshotsDeleteCmd) Help() string {
	return `The rows are deleted at once. A record without a value takes the place of each picture in the log, so that neither a replay nor rebuilt tables bring it back; compaction removes the picture from the disk, at the latest when its topic's time is over (a week). A track that is in sight gets a new picture when a better one comes: delete it once it has left, or switch --snapshots off. The services must run, or --brokers name others.

` + WhenHelp
}

// Run implements the command.
func (c *SnapshotsDeleteCmd) Run(ctx context.Context, env *Env) (err error) {
	args, err := c.args(env)
	if err != nil {
		return err
	}
	if c.Camera == "" && c.SnapshotsFilterFlags.Run == "" && c.Since.IsZero() && c.Until.IsZero() {
		return usage.New("name --run and --track of a person, or a --camera, or a time", "snapshots delete: what to delete is not given")
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	db, done, err := database.OpenToWrite(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := c.exist(ctx, db); err != nil {
		return err
	}
	keys, err := c.keys(ctx, db, args)
	if err != nil {
		return err
	}
	erasing, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := kafka.EraseSnapshots(erasing, cfg, keys); err != nil { // first: a row that is left can be deleted again
		return err
	}
	tag, err := db.Exec(ctx, `DELETE FROM snapshots d USING (SELECT s.run_id, s.track_id, s.crossing_seq, s.step`+storedSnapshots+`) x
		WHERE (d.run_id, d.track_id, d.crossing_seq, d.step) = (x.run_id, x.track_id, x.crossing_seq, x.step)`, args...)
	if err != nil {
		return fmt.Errorf("delete snapshots: %w", err)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s deleted\n", plural(max(len(keys), int(tag.RowsAffected())), "snapshot"))
	return err
}

// keys returns the keys of what is deleted.
func (c *SnapshotsDeleteCmd) keys(ctx context.Context, db *pgxpool.Pool, args []any) ([]string, error) {
	rows, err := db.Query(ctx, "SELECT c.name, r.run, s.track_id, s.crossing_seq, s.step"+storedSnapshots, args...)
	if err != nil {
		return nil, fmt.Errorf("find snapshots: %w", err)
	}
	keys, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		var s event.Snapshot
		err := r.Scan(&s.Camera, &s.Run, &s.TrackID, &s.Crossing, &s.Step)
		return s.Key(), err
	})
	if err != nil {
		return nil, fmt.Errorf("find snapshots: %w", err)
	}
	return keys, nil
}

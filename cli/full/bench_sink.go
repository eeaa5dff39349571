package full

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/bench/catchup"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/postgres"
)

// CatchUpCmd measures the sink alone.
type CatchUpCmd struct {
	Sightings   int           `default:"100000" env:"-" placeholder:"N" help:"Sightings of the backlog (${default})."`
	People      int           `default:"6" env:"-" placeholder:"N" help:"People of each sighting (${default})."`
	Cameras     int           `default:"8" env:"-" placeholder:"N" help:"Cameras that the sightings are of (${default})."`
	Partitions  int32         `default:"8" env:"-" help:"Partitions of the topic (${default})."`
	Sinks       int           `default:"2" env:"-" help:"Concurrent consumers that write into the database (${default})."`
	Rounds      int           `default:"3" env:"-" help:"Rounds, each of the sink and of COPY (${default})."`
	Rate        float64       `default:"700" env:"-" placeholder:"N" help:"Then sightings a second to a sink that has caught up; 0: none (${default})."`
	Duration    time.Duration `default:"5s" env:"-" help:"Length of that, for each round (${default})."`
	DatabaseURL string        `name:"database-url" env:"-" placeholder:"URL" help:"PostgreSQL to write to, into a schema that is removed afterwards; without it, a private one."`
	Dir         string        `default:"/tmp" env:"-" help:"Directory on the disk to use, for log, private database and files (${default})."`
	JSON        string        `name:"json" placeholder:"FILE" env:"-" help:"Write the report as JSON, too; - is standard output."`
	pageFlag
}

// Run implements the command.
func (c *CatchUpCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	out, err := c.pageFlag.open(c.JSON)
	if err != nil {
		return err
	}
	cfg := catchup.Config{
		Sightings: c.Sightings, People: c.People, Cameras: c.Cameras, Partitions: c.Partitions,
		Rounds: c.Rounds, Rate: c.Rate, Duration: c.Duration,
	}
	if err := cfg.Check(); err != nil {
		return err
	}
	dir, err := scratchIn(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	line := newStepLine(env.Stderr)
	cfg.Dir, cfg.Progress = dir, line.show
	db, err := openBenchDatabase(ctx, dir, c.DatabaseURL, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	cfg.Pool, cfg.Server, cfg.Settle = db.pool, db.time, db.settle
	b, addr, err := startBroker(ctx, dir, "always")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Stop()) }()
	if cfg.Kafka, err = pipeline.ClusterConfig(config.Cluster{Brokers: []string{addr}}, nil); err != nil {
		return err
	}
	self, err := cli.Self()
	if err != nil {
		return err
	}
	cfg.Start = func() (*service.Program, error) {
		return service.Start(self, "sink", "--brokers", addr, "--database-url", db.url, "--sinks", fmt.Sprint(c.Sinks))
	}
	r, err := catchup.Run(ctx, cfg)
	line.end()
	if err != nil {
		return err
	}
	r.Settings = map[string]string{
		"sightings": fmt.Sprint(c.Sightings), "people": fmt.Sprint(c.People), "cameras": fmt.Sprint(c.Cameras), "partitions": fmt.Sprint(c.Partitions),
		"sinks": fmt.Sprint(c.Sinks), "rounds": fmt.Sprint(c.Rounds), "rate": fmt.Sprint(c.Rate), "duration": c.Duration.String(),
	}
	describe(r, "bundled")
	if r.Machine.PostgreSQL, r.Durability.Stated, err = db.describe(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return out.write(env, r, catchup.WriteText)
}

// benchDatabase is an empty database with its tables, private or in a schema of its own.
type benchDatabase struct {
	url    string
	pool   *pgxpool.Pool
	time   func() (time.Duration, error) // nil: another machine's
	settle func(context.Context) error   // nil: not permitted
	close  func() error
}

func openBenchDatabase(ctx context.Context, dir, url string, log *slog.Logger) (*benchDatabase, error) {
	if url == "" {
		return openPrivate(ctx, dir, log)
	}
	schema := "sightlog_bench_" + uuid.NewString()[:8]
	address, err := postgres.WithSchema(url, schema)
	if err != nil {
		return nil, err
	}
	pool, err := database.OpenMigrated(ctx, address, postgres.Options{Log: log})
	if err != nil {
		return nil, err
	}
	return &benchDatabase{url: address, pool: pool, close: func() error {
		defer pool.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, err := pool.Exec(ctx, "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" CASCADE"); err != nil {
			return fmt.Errorf("remove the schema %s: %w", schema, err)
		}
		return nil
	}}, nil
}

// openPrivate starts a private server.
func openPrivate(ctx context.Context, dir string, log *slog.Logger) (*benchDatabase, error) {
	data := filepath.Join(dir, "database")
	if err := os.Mkdir(data, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for the database: %w", err)
	}
	p, err := postgres.StartPrivate(ctx, data, log)
	if err != nil {
		return nil, err
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgres.StopTimeout)
		defer cancel()
		return p.Stop(ctx)
	}
	pool, err := database.OpenMigrated(ctx, p.URL(), postgres.Options{Log: log})
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	super, err := pgx.Connect(ctx, p.SuperURL())
	if err != nil {
		pool.Close()
		return nil, errors.Join(fmt.Errorf("open a session: %w", err), stop())
	}
	return &benchDatabase{
		url: p.URL(), pool: pool,
		time: func() (time.Duration, error) { return service.FamilyTime(p.PID()) },
		settle: func(ctx context.Context) error {
			if _, err := super.Exec(ctx, "CHECKPOINT"); err != nil {
				return fmt.Errorf("settle the database: %w", err)
			}
			return nil
		},
		close: func() error {
			pool.Close()
			return errors.Join(super.Close(context.WithoutCancel(ctx)), stop())
		},
	}, nil
}

// describe returns the server's version, and what its settings promise of a commit.
func (d *benchDatabase) describe(ctx context.Context) (version, durability string, err error) {
	var fsync, commit string
	err = d.pool.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").
		Scan(&version, &fsync, &commit)
	if err != nil {
		return "", "", fmt.Errorf("read the server's settings: %w", err)
	}
	return version, fmt.Sprintf("PostgreSQL: fsync %s, synchronous_commit %s; log: %s", fsync, commit, durabilities["always"]), nil
}

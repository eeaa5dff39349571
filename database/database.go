package database

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// OpenMigrated opens a database by URL and creates or updates its tables.
func OpenMigrated(ctx context.Context, url string, opts postgres.Options) (*pgxpool.Pool, error) {
	pool, err := postgres.Open(ctx, url, opts)
	if err != nil {
		return nil, err
	}
	if err := migrations.Up(ctx, pool, opts.Log); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// MoveTables moves the tables of a database by URL from a schema into the one that the URL
// names.
func MoveTables(ctx context.Context, url, from string, opts postgres.Options) error {
	pool, err := postgres.Open(ctx, url, opts)
	if err != nil {
		return err
	}
	defer pool.Close()
	return migrations.Move(ctx, pool, from, opts.Log)
}

// ExchangeTables puts the tables of another schema in place of those of pool, as
// migrations.Exchange does.
func ExchangeTables(ctx context.Context, pool *pgxpool.Pool, with, kept string, fill, check func(context.Context, pgx.Tx) error, log *slog.Logger) error {
	return migrations.Exchange(ctx, pool, with, kept, fill, check, log)
}

// Open opens the database for queries: by URL; else that of the data directory, through
// the process that serves it or, if there is none, by starting the private server until
// done is called. It creates no database.
func Open(ctx context.Context, data config.Data, db config.Database, log *slog.Logger) (pool *pgxpool.Pool, done func() error, err error) {
	return openWith(ctx, data, db, openForQuery, log)
}

// OpenToWrite opens the database as Open does, as the role that owns the tables, and
// creates or updates them.
func OpenToWrite(ctx context.Context, data config.Data, db config.Database, log *slog.Logger) (pool *pgxpool.Pool, done func() error, err error) {
	return openWith(ctx, data, db, openMigrated, log)
}

// opener opens a database by URL.
type opener func(ctx context.Context, url string, log *slog.Logger) (*pgxpool.Pool, error)

func openWith(ctx context.Context, data config.Data, db config.Database, open opener, log *slog.Logger) (pool *pgxpool.Pool, done func() error, err error) {
	if db.DatabaseURL != "" {
		return connect(ctx, db.DatabaseURL, db.Schema, open, log)
	}
	if _, err := os.Stat(filepath.Join(data.Data, "sightlog.json")); err != nil {
		return nil, nil, usage.Wrap(err, "give the --data of a run, or --database-url", "--data %s: not a data directory of sightlog", data.Data)
	}
	e, err := datadir.ReadEndpoints(data.Data)
	switch {
	case err == nil && e.Database != "":
		if postgres.ReaderURL(e.Database) != e.Database { // private: whose is it?
			if _, err := postgres.Attach(ctx, data.Data); err != nil && !errors.Is(err, postgres.ErrNotRunning) {
				return nil, nil, err
			}
		}
		return connect(ctx, e.Database, db.Schema, open, log)
	case err == nil:
		return nil, nil, usage.New("give its --database-url", "--data %s: process %d runs no database on it", data.Data, e.PID)
	case !errors.Is(err, datadir.ErrNotRunning):
		return nil, nil, err
	}
	return startTemporary(ctx, data, db.Schema, open, log)
}

// openForQuery opens a database for queries: the private one as a role that can only read,
// another as the role of its URL.
func openForQuery(ctx context.Context, url string, log *slog.Logger) (*pgxpool.Pool, error) {
	return postgres.Open(ctx, postgres.ReaderURL(url), postgres.Options{ReadOnly: true, Log: log})
}

// OpenReader opens a database that services run, for the questions of the page, with so many connections
// at most. It waits for one that has just gone, until ctx ends. The caller closes the pool.
func OpenReader(ctx context.Context, url string, connections int32, log *slog.Logger) (*pgxpool.Pool, error) {
	return postgres.Open(ctx, postgres.ReaderURL(url), postgres.Options{ReadOnly: true, Wait: true, MaxConns: connections, Log: log})
}

func connect(ctx context.Context, url, schema string, open opener, log *slog.Logger) (*pgxpool.Pool, func() error, error) {
	url, err := postgres.WithSchema(url, schema)
	if err != nil {
		return nil, nil, err
	}
	pool, err := open(ctx, url, log)
	if err != nil {
		return nil, nil, err
	}
	return pool, func() error { pool.Close(); return nil }, nil
}

func startTemporary(ctx context.Context, data config.Data, schema string, open opener, log *slog.Logger) (*pgxpool.Pool, func() error, error) {
	dir, err := datadir.OpenToAsk(data.Data)
	if err != nil {
		return nil, nil, err
	}
	has, err := postgres.HasPrivate(dir.Path())
	if err == nil && !has {
		err = usage.New("give the --database-url that was written to", "--data %s: has no database of its own", data.Data)
	}
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	private, err := postgres.StartPrivate(ctx, dir.Path(), log)
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), postgres.StopTimeout)
		defer cancel()
		return errors.Join(private.Stop(ctx), dir.Close())
	}
	url, err := postgres.WithSchema(private.URL(), schema)
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	err = dir.CheckDatabase(ctx, private)
	if err == nil && !dir.Guest() {
		var owner *pgxpool.Pool
		if owner, err = openMigrated(ctx, url, log); err == nil {
			owner.Close()
		}
	}
	var pool *pgxpool.Pool
	if err == nil {
		pool, err = open(ctx, url, log)
	}
	if err == nil && dir.Guest() {
		if err = checkVersion(ctx, pool, data.Data); err != nil {
			pool.Close()
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return pool, func() error { pool.Close(); return stop() }, nil
}

func openMigrated(ctx context.Context, url string, log *slog.Logger) (*pgxpool.Pool, error) {
	return OpenMigrated(ctx, url, postgres.Options{Log: log})
}

// checkVersion returns an error if the tables are not those of this program's version.
// A question by root does not update the tables of another user.
func checkVersion(ctx context.Context, pool *pgxpool.Pool, data string) error {
	all, err := migrations.Files.ReadDir(".")
	if err != nil {
		return err
	}
	var have int
	err = pool.QueryRow(ctx, "SELECT version FROM "+migrations.VersionTable).Scan(&have)
	var pg *pgconn.PgError
	if err != nil && !(errors.As(err, &pg) && pg.Code == "42P01") { // no such table: none were created
		return err
	}
	if have != len(all) {
		return usage.New("run or ask once as its owner, who may update them", "--data %s: its tables have version %d, and those of this sightlog %d", data, have, len(all))
	}
	return nil
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/usage"
)

// Options of Open. The zero value is the default.
type Options struct {
	Wait     bool          // retry for ever to reach the server
	Timeout  time.Duration // of one attempt; default 5 s
	MaxConns int32         // of the pool; default 8

	// ReadOnly is for queries that a user waits for. Nothing will be written: a standby
	// will do, and a role that may only read. A context that ends cancels its statement
	// in the server, and a statement that waits for a lock is logged after two seconds.
	ReadOnly bool

	// OwnSchema says that the schema of the address is for this program alone: a pooler that
	// does not pass it on is to be passed by, not to be given the schema.
	OwnSchema bool

	Log *slog.Logger // default: discard
}

// connectPauses are the pauses between attempts to reach a server.
var connectPauses = backoff.Policy{First: 50 * time.Millisecond, Limit: 2 * time.Second}

// Open opens a pool on the database of a URL and checks that it can be used: it is
// reachable, password and database are right, it is MinVersion or newer, and writable.
// A failed check is a *usage.Error of one line that never contains the password. Behind
// a pooler, which may give each transaction another session, the pool uses no named
// statements.
//
// With Wait, the connection to a server that cannot be reached is retried until ctx
// ends; a wrong password is still an error at once.
func Open(ctx context.Context, url string, opts Options) (*pgxpool.Pool, error) {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg, err := parse(url, opts)
	if err != nil {
		return nil, err
	}
	if opts.ReadOnly {
		forReaders(cfg.ConnConfig, log)
	}
	giveUp := time.Now().Add(cfg.ConnConfig.ConnectTimeout)
	for failures := 1; ; failures++ {
		pool, err := try(ctx, cfg, opts)
		if err == nil {
			return pool, nil
		}
		again := opts.Wait && unreachable(err) || startingUp(err) && time.Now().Before(giveUp)
		if !again || ctx.Err() != nil {
			return nil, explain(err, cfg.ConnConfig)
		}
		log.Warn("the database cannot be used yet, retrying", "database", Describe(cfg.ConnConfig), "err", cause(err), "in", connectPauses.After(failures))
		if err := connectPauses.Wait(ctx, failures); err != nil {
			return nil, err
		}
	}
}

// try opens a pool and checks its database. It first connects once to recognise a
// pooler, and then uses only the parameters and statements that poolers pass on.
func try(ctx context.Context, cfg *pgxpool.Config, opts Options) (*pgxpool.Pool, error) {
	cfg = cfg.Copy()
	schema := cfg.ConnConfig.RuntimeParams[searchPath]
	pooled, err := behindPooler(ctx, cfg)
	if refusesParameter(err, searchPath) {
		delete(cfg.ConnConfig.RuntimeParams, searchPath)
		pooled, err = behindPooler(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	if pooled && cfg.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := check(ctx, pool, schema, opts); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// behindPooler connects once and reports whether a pooler is between client and server.
// A pooler gives each client a process id of its own; a server gives the one that
// pg_backend_pid() returns.
func behindPooler(ctx context.Context, cfg *pgxpool.Config) (pooled bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig.Copy())
	if err != nil {
		return false, err
	}
	defer conn.Close(ctx)
	if err := checkVersion(conn); err != nil {
		return false, err
	}
	var pid uint32
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid)
	return pid != conn.PgConn().PID(), err
}

// refusesParameter reports whether a pooler refused the connection because of a
// parameter that it does not pass on.
func refusesParameter(err error, name string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "08P01" && strings.Contains(pg.Message, "unsupported startup parameter: "+name)
}

func parse(raw string, opts Options) (*pgxpool.Config, error) {
	const fix = "write it as postgres://user:password@host:5432/database"
	if strings.TrimSpace(raw) == "" {
		return nil, usage.New(fix, "--database-url is empty")
	}
	if u, err := url.Parse(raw); err == nil && u.Scheme != "" && u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, usage.New(fix, "--database-url: scheme %q is not PostgreSQL", u.Scheme)
	}
	cfg, private, err := privateConfig(raw)
	if !private {
		cfg, err = pgxpool.ParseConfig(raw)
	}
	if err != nil {
		// The cause is left out: it may quote what was typed, password and all.
		return nil, usage.New(fix, "--database-url cannot be read")
	}
	if strings.Contains(cfg.ConnConfig.Host, "@") && !strings.HasPrefix(cfg.ConnConfig.Host, "/") {
		return nil, usage.New("write an @ in the password as %40", "--database-url cannot be read: its host has an @ in it") // the rest of a password
	}
	cfg.MaxConns = 8
	if opts.MaxConns > 0 {
		cfg.MaxConns = opts.MaxConns
	}
	if opts.Timeout > 0 {
		cfg.ConnConfig.ConnectTimeout = opts.Timeout
	} else if cfg.ConnConfig.ConnectTimeout <= 0 || cfg.ConnConfig.ConnectTimeout > time.Minute {
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	params := cfg.ConnConfig.RuntimeParams
	if err := setSearchPath(params); err != nil {
		return nil, err
	}
	// These four change how values are read and written, and override what is set for
	// the database and the role. Poolers pass them on.
	params["timezone"] = "UTC"
	params["client_encoding"] = "UTF8"
	params["DateStyle"] = "ISO, MDY"
	params["standard_conforming_strings"] = "on"
	if params["application_name"] == "" {
		params["application_name"] = "sightlog"
	}
	return cfg, nil
}

func checkVersion(conn *pgx.Conn) error {
	v := conn.PgConn().ParameterStatus("server_version")
	major, _ := strconv.Atoi(leadingDigits(v))
	if major < MinVersion {
		return &unusableError{
			fmt.Sprintf("PostgreSQL %s is too old", v),
			fmt.Sprintf("use version %d or newer", MinVersion),
		}
	}
	return nil
}

// check returns an error unless the session has the schema that was asked for (a search
// path; "" for any) and, unless opts say ReadOnly, may write.
func check(ctx context.Context, pool *pgxpool.Pool, schema string, opts Options) error {
	var readOnly, path string
	err := pool.QueryRow(ctx, "SELECT current_setting('transaction_read_only'), current_setting('search_path')",
		pgx.QueryExecModeExec).Scan(&readOnly, &path)
	if err != nil {
		return err
	}
	if !opts.ReadOnly && readOnly == "on" {
		return &unusableError{"the database is read-only", "give the primary, not a standby, and a role that may write"}
	}
	if schema != "" && !samePath(schema, path) {
		if opts.OwnSchema {
			return &unusableError{
				fmt.Sprintf("the pooler before the database does not pass on the schema %s", schema),
				"give the address of the database itself to this command",
			}
		}
		user, database := pgx.Identifier{pool.Config().ConnConfig.User}, pgx.Identifier{pool.Config().ConnConfig.Database}
		return &unusableError{
			fmt.Sprintf("the pooler before the database does not pass on the schema %s", schema),
			fmt.Sprintf("set it in the database, and reconnect the pooler: ALTER ROLE %s IN DATABASE %s SET search_path = %s",
				user.Sanitize(), database.Sanitize(), schema),
		}
	}
	return nil
}

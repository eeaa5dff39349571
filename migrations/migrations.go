package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Files are the migrations.
//
//go:embed *.sql
var Files embed.FS

// VersionTable holds the number of the last migration that was applied.
const VersionTable = "sightlog_version"

// lock is the advisory lock that one Up holds against the others, until its
// transaction ends.
const lock = 7_303_014_601_517_301_106

// step is one migration, a file.
type step struct {
	name string
	sql  string
}

// steps are the migrations in order; that at index i makes version i+1.
func steps() ([]step, error) {
	names, err := Files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	all := make([]step, 0, len(names)) // ReadDir sorts
	for i, f := range names {
		if !strings.HasPrefix(f.Name(), fmt.Sprintf("%03d_", i+1)) {
			return nil, fmt.Errorf("migration %s is not number %d", f.Name(), i+1)
		}
		text, err := Files.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		up, _, _ := strings.Cut(string(text), "---- create above / drop below ----")
		all = append(all, step{f.Name(), up})
	}
	return all, nil
}

// Up migrates the database to the newest schema, in one transaction, which also works
// through a pooler. Several calls at once take turns. A database of a newer sightlog, or
// a schema with tables of the same names that are not sightlog's, is a *usage.Error and
// is not changed.
func Up(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	return exclusively(ctx, pool, log, func(tx pgx.Tx) error { return up(ctx, tx, log) })
}

// reportAfter is the time after which a wait is logged.
const reportAfter = 2 * time.Second

// exclusively runs do in a transaction during which no other of this package runs. It
// waits for others without a limit, and logs that.
func exclusively(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, do func(pgx.Tx) error) error {
	if log != nil {
		defer time.AfterFunc(reportAfter, func() {
			log.Warn("waiting for a lock on the tables: another sightlog updates them, or a session holds them (pg_stat_activity)")
		}).Stop()
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// The lock is the transaction's, not the session's, which a pooler may give to
		// another client afterwards.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lock)); err != nil {
			return err
		}
		return do(tx)
	})
	if message, is := denied(err); is && !usage.Is(err) {
		return usage.Wrap(err, "connect as the owner of its tables", "role %s lacks a right in database %s: %s",
			pool.Config().ConnConfig.User, pool.Config().ConnConfig.Database, message)
	}
	if err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

func up(ctx context.Context, tx pgx.Tx, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	all, err := steps()
	if err != nil {
		return err
	}
	have, err := version(ctx, tx)
	if err != nil {
		return err
	}
	if have > len(all) {
		return usage.New("use the newer sightlog, or another database",
			"the database has schema %d, made by a newer sightlog; this one knows up to %d", have, len(all))
	}
	for i := have; i < len(all); i++ {
		log.Info("migrating the database", "step", i+1, "name", all[i].name)
		if err := reportRewrite(ctx, tx, i+1, log); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, all[i].sql); err != nil {
			return unfit(err, have, all[i].name)
		}
	}
	if have < len(all) {
		_, err = tx.Exec(ctx, "UPDATE "+VersionTable+" SET version = $1", len(all))
	}
	return err
}

// unfit explains that a step does not fit the tables: somebody has changed them, or the number of their schema.
func unfit(err error, have int, step string) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || !strings.HasPrefix(pg.Code, "42") || pg.Code == "42501" {
		return fmt.Errorf("step %s: %w", step, err)
	}
	return usage.Wrap(err, "change back what somebody has changed, or add --schema NAME and fill a new schema from the log",
		"table %s says schema %d, but the tables are not so: step %s: %s", VersionTable, have, step, pg.Message)
}

// rewrites is the migration that copies the table of sightings, and rowsPerSecond how
// many it copied on a machine with two cores.
const (
	rewrites      = 5
	rowsPerSecond = 25_000
)

// reportRewrite logs how long the copy will take, and that it needs space.
func reportRewrite(ctx context.Context, tx pgx.Tx, step int, log *slog.Logger) error {
	if step != rewrites {
		return nil
	}
	var sightings int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM sightings").Scan(&sightings); err != nil || sightings == 0 {
		return err
	}
	log.Info("the tables are written anew: until it is done the database needs up to twice its space",
		"sightings", sightings, "about", (time.Duration(sightings/rowsPerSecond+1) * time.Second).String())
	return nil
}

// version returns the number of the last migration. It creates the version table, and the
// schema, if they are missing. Later statements in tx work in that schema.
func version(ctx context.Context, tx pgx.Tx) (have int, err error) {
	at, found, err := findSchema(ctx, tx)
	if err != nil {
		return 0, err
	}
	if !found {
		if err := refuseForeign(ctx, tx, at.schema); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE "+VersionTable+" (version integer NOT NULL)"); err != nil {
			return 0, at.createDenied(err)
		}
		_, err := tx.Exec(ctx, "INSERT INTO "+VersionTable+" VALUES (0)")
		return 0, err
	}
	return readVersion(ctx, tx, at.schema)
}

// readVersion reads the version table, which has one row.
func readVersion(ctx context.Context, tx pgx.Tx, schema string) (have int, err error) {
	var rows int
	var said string
	err = tx.QueryRow(ctx, "SELECT count(*), coalesce(string_agg(to_jsonb(v)->>'version', ', '), '') FROM "+VersionTable+" v").Scan(&rows, &said)
	if err != nil {
		return 0, err
	}
	if have, err = strconv.Atoi(said); err != nil || rows != 1 || have < 0 {
		return 0, usage.New("it has one row, the number of the schema: put that back, or add --schema NAME and fill a new schema from the log",
			"table %s.%s has %d rows with version %q", schema, VersionTable, rows, said)
	}
	return have, nil
}

// target is where the tables are, or will be created. All three are quoted.
type target struct{ schema, role, database string }

// findSchema finds the schema: that of the version table if the search path has one, else
// the first of the path. If the path is one schema that does not exist, it is created. It
// sets the search path of tx to the schema alone.
func findSchema(ctx context.Context, tx pgx.Tx) (at target, found bool, err error) {
	var of, current *string
	var path string
	err = tx.QueryRow(ctx, `SELECT (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass($1)),
		quote_ident(current_schema()), current_setting('search_path'), quote_ident(current_user), quote_ident(current_database())`,
		VersionTable).Scan(&of, &current, &path, &at.role, &at.database)
	switch {
	case err != nil:
		return at, false, err
	case of != nil:
		at.schema, found = *of, true
	case current != nil:
		at.schema = *current
	case strings.Contains(path, ",") || path == "":
		return at, false, usage.New(fmt.Sprintf("have its owner run: GRANT USAGE, CREATE ON SCHEMA public TO %s; or add --schema NAME", at.role),
			"role %s may use none of the schemas of the search path, %s", at.role, path)
	default:
		at.schema = path
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+at.schema); err != nil {
			return at, false, at.createSchemaDenied(err)
		}
	}
	_, err = tx.Exec(ctx, "SELECT set_config('search_path', $1, true)", at.schema)
	return at, found, err
}

// relations are the tables, sequences and views that the migrations create, without those
// of partitions and identity columns.
var relations = []string{
	"alarm_deliveries", "alarm_rules", "alarm_states", "alarms",
	"audit_answers", "audit_results", "audits", "batch_ids", "batches", "camera_half_hours", "camera_minutes", "cameras", "classes",
	"crossing_half_hours", "crossing_minutes",
	"crossings", "definitions", "detections", "latest_sightings", "outbox", "place_lines", "places", "recounts", "report_states", "runs",
	"sightings", "sightings_default", "sink_offsets", "snapshots", "staff_rules", "tracks", "v_audits", "v_balance", "v_counted_lines",
	"v_crossing_minutes", "v_crossings", "v_definitions", "v_detections", "v_minutes", "v_place_crossings", "v_place_seconds",
	"v_place_tracks",
	"v_sightings", "v_snapshots", "v_staff_tracks", "v_tracks", "v_visits", "v_zone_minutes", "visits", "zone_minutes", "zone_sets",
}

// refuseForeign returns an error if a schema without a version table has tables of these
// names.
func refuseForeign(ctx context.Context, tx pgx.Tx, schema string) error {
	rows, err := tx.Query(ctx, `SELECT relname FROM pg_class
		WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relname = ANY($1) AND relkind <> 'i' ORDER BY 1`, relations)
	if err != nil {
		return err
	}
	foreign, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(foreign) > 0 {
		return usage.New("add --schema sightlog to have a schema of sightlog's own, or give another database",
			"schema %s of the database has tables of these names that are not sightlog's: %s", schema, strings.Join(foreign, ", "))
	}
	return err
}

// denied returns the server's message if err means that the role lacks a right.
func denied(err error) (message string, is bool) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return pg.Message, true
	}
	return "", false
}

// createDenied explains that the role may not create tables in the schema. From
// PostgreSQL 15 on only the owner of a database may in public.
func (at target) createDenied(err error) error {
	if message, is := denied(err); is {
		return usage.Wrap(err, fmt.Sprintf("have its owner run: GRANT CREATE ON SCHEMA %s TO %s; or: CREATE SCHEMA sightlog AUTHORIZATION %s, and add --schema sightlog",
			at.schema, at.role, at.role), "role %s may not create tables in schema %s of database %s: %s", at.role, at.schema, at.database, message)
	}
	return err
}

// createSchemaDenied explains that the role may not create the schema.
func (at target) createSchemaDenied(err error) error {
	if message, is := denied(err); is {
		return usage.Wrap(err, fmt.Sprintf("have its owner run: CREATE SCHEMA %s AUTHORIZATION %s", at.schema, at.role),
			"role %s may not create schema %s in database %s: %s", at.role, at.schema, at.database, message)
	}
	return err
}

// Move moves the tables from another schema of the database into the first schema of
// pool's search path, which has none yet. Programs that use the tables must be stopped
// before.
func Move(ctx context.Context, pool *pgxpool.Pool, from string, log *slog.Logger) error {
	return exclusively(ctx, pool, log, func(tx pgx.Tx) error {
		to, found, err := findSchema(ctx, tx)
		if err != nil {
			return err
		}
		if found {
			return usage.New("name an empty schema", "schema %s already has sightlog's tables", to.schema)
		}
		if err := refuseForeign(ctx, tx, to.schema); err != nil {
			return err
		}
		moved, err := moveAll(ctx, tx, from, to.schema)
		if err == nil && moved == 0 {
			return usage.New("name the schema that has them", "schema %s has no tables of sightlog's", from)
		}
		return to.createDenied(err)
	})
}

// moveAll moves all that moves names, and returns how much.
func moveAll(ctx context.Context, tx pgx.Tx, from, to string) (moved int, err error) {
	statements, err := moves(ctx, tx, from, to)
	for _, s := range statements {
		if err == nil {
			_, err = tx.Exec(ctx, s)
		}
	}
	return len(statements), err
}

// moves returns the statements that move the relations and functions of the migrations
// and the sink from a schema; none if the version table is not in it.
func moves(ctx context.Context, tx pgx.Tx, from, to string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT format('ALTER %s %I.%I SET SCHEMA %s',
		              CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, $1::text, relname, $2::text)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND (relname = ANY($3) OR relkind = 'r' AND relname ~ '^(sightings|detections)_([0-9]{8}|default)$')
		UNION ALL
		SELECT format('ALTER FUNCTION %s SET SCHEMA %s', p.oid::regprocedure, $2::text)
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname = $1 AND proname LIKE 'sightlog\_%'`,
		from, to, append(slices.Clone(relations), VersionTable))
	if err != nil {
		return nil, err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if !slices.ContainsFunc(statements, func(s string) bool { return strings.Contains(s, VersionTable) }) {
		return nil, err
	}
	return statements, err
}

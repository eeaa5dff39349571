package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
)

// ReplaySchema is where tables are rebuilt that will replace others.
const ReplaySchema = "sightlog_replay"

// ReplayConfig is what a replay reads and writes.
type ReplayConfig struct {
	Kafka    kafka.Config
	URL      string    // of the database
	Since    time.Time // ReplayInto: only records produced at or after it; zero: all
	Begin    []string  // ReplayInto: where to begin in partitions, as config.Sinks has it
	Sinks    int       // concurrent consumers
	Store    string    // sightings that become rows, as config.Store has it
	Log      *slog.Logger
	Progress func(lag int64) // is called a few times a second
}

// Rows are the numbers of rows of the tables.
type Rows struct{ Sightings, Detections, Crossings, Tracks, Visits, Runs int64 }

func (r Rows) String() string {
	return fmt.Sprintf("%d sightings, %d detections, %d crossings, %d tracks, %d visits, %d runs",
		r.Sightings, r.Detections, r.Crossings, r.Tracks, r.Visits, r.Runs)
}

// Replayed is the result of a replay that replaced tables.
type Replayed struct {
	Before, Rebuilt Rows
	Kept            string // the schema of the tables of before
}

// ReplayInto writes the log into the database of cfg.URL and replaces nothing.
func ReplayInto(ctx context.Context, cfg ReplayConfig) (Rows, error) {
	from, err := parseAll(cfg.Begin, sink.ParseFrom)
	if err != nil {
		return Rows{}, err
	}
	pool, err := database.OpenMigrated(ctx, cfg.URL, postgres.Options{Log: cfg.Log})
	if err != nil {
		return Rows{}, err
	}
	defer pool.Close()
	sinks := cfg.sinks(pool)
	sinks.From = from
	if err := sink.Replay(ctx, sinks, cfg.Since, cfg.Progress); err != nil {
		return Rows{}, err
	}
	return countRows(ctx, pool)
}

// lastFill is how long the sinks wait at most while the records that they wrote during the replay are
// added. If it takes longer, the sinks go on, more of the log is replayed, and it is tried again.
const lastFill = 20 * time.Second

// Replay writes the log into tables in ReplaySchema, beside those of cfg.URL, up to where these are, and
// then exchanges both while the sinks wait. They go on from there, so that each record is processed
// by the rules of alarms and makes its rows of the outbox once.
func Replay(ctx context.Context, cfg ReplayConfig) (r Replayed, err error) {
	opts := postgres.Options{Log: cfg.Log}
	live, err := database.OpenMigrated(ctx, cfg.URL, opts)
	if err != nil {
		return r, err
	}
	defer live.Close()
	cl, err := cfg.Kafka.Client()
	if err != nil {
		return r, err
	}
	defer cl.Close()
	if err := sink.Complete(ctx, cl); err != nil {
		return r, err
	}
	rebuilt, err := database.OpenMigrated(ctx, postgres.OtherSchema(cfg.URL, ReplaySchema), postgres.Options{Log: cfg.Log, OwnSchema: true})
	if err != nil {
		return r, err
	}
	defer rebuilt.Close()
	fill := func(ctx context.Context, db interface {
		Query(context.Context, string, ...any) (pgx.Rows, error)
	}) error {
		end, err := sink.ReadBound(ctx, cl, db)
		if err != nil {
			return err
		}
		return sink.ReplayTo(ctx, cfg.sinks(rebuilt), end, cfg.Progress)
	}
	r.Kept = "sightlog_before_" + time.Now().UTC().Format("20060102t150405")
	for err = sink.ErrBehind; errors.Is(err, sink.ErrBehind); {
		if err := fill(ctx, live); err != nil {
			return r, err
		}
		err = database.ExchangeTables(ctx, live, ReplaySchema, r.Kept, func(ctx context.Context, tx pgx.Tx) error {
			ctx, cancel := context.WithTimeoutCause(ctx, lastFill, sink.ErrBehind)
			defer cancel()
			return fill(ctx, tx)
		}, func(ctx context.Context, tx pgx.Tx) error {
			if err := sink.SameOffsets(ctx, tx, ReplaySchema); err != nil {
				return err
			}
			return sink.CarryOver(ctx, tx, ReplaySchema)
		}, cfg.Log)
	}
	if err != nil {
		return r, err
	}
	if r.Rebuilt, err = countRows(ctx, live); err != nil {
		return r, err
	}
	old, err := postgres.Open(ctx, postgres.OtherSchema(cfg.URL, r.Kept), opts)
	if err != nil {
		return r, err
	}
	defer old.Close()
	r.Before, err = countRows(ctx, old)
	return r, err
}

// sinks write the log into the tables of pool. Their consumer group is their own, so that
// no partition is taken from other sinks.
func (cfg ReplayConfig) sinks(pool *pgxpool.Pool) sink.Config {
	return sink.Config{
		Kafka: cfg.Kafka, Pool: pool, Group: "sightlog-replay-" + time.Now().UTC().Format("20060102t150405.000000"), Consumers: cfg.Sinks,
		Store: sink.Store(cfg.Store), Log: cfg.Log,
	}
}

func countRows(ctx context.Context, pool *pgxpool.Pool) (r Rows, err error) {
	err = pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM sightings), (SELECT coalesce(sum(objects), 0) FROM sightings), (SELECT count(*) FROM crossings),
		(SELECT count(*) FROM tracks), (SELECT count(*) FROM visits), (SELECT count(*) FROM runs)`).
		Scan(&r.Sightings, &r.Detections, &r.Crossings, &r.Tracks, &r.Visits, &r.Runs)
	if err != nil {
		return r, fmt.Errorf("count the rows: %w", err)
	}
	return r, nil
}

// Prove computes the figures of a camera's minute again from the log.
func Prove(ctx context.Context, log kafka.Config, pool *pgxpool.Pool, camera string, minute time.Time) (*sink.Proof, error) {
	return sink.Prove(ctx, log, pool, camera, minute)
}

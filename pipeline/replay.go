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
	Since    time.Time // only records produced at or after it; zero: all
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
	pool, err := database.OpenMigrated(ctx, cfg.URL, postgres.Options{Log: cfg.Log})
	if err != nil {
		return Rows{}, err
	}
	defer pool.Close()
	if err := cfg.fill(ctx, pool); err != nil {
		return Rows{}, err
	}
	return countRows(ctx, pool)
}

// Replay writes the log into tables in ReplaySchema, beside those of cfg.URL, and then
// exchanges both while the sinks wait.
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
	r.Kept = "sightlog_before_" + time.Now().UTC().Format("20060102t150405")
	for err = sink.ErrBehind; errors.Is(err, sink.ErrBehind); {
		if err := cfg.fill(ctx, rebuilt); err != nil {
			return r, err
		}
		err = database.ExchangeTables(ctx, live, ReplaySchema, r.Kept, func(ctx context.Context, tx pgx.Tx) error {
			if err := sink.CoversOffsets(ctx, tx, ReplaySchema); err != nil {
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

// fill writes the log into the tables of pool. Its consumer group is its own, so that
// no partition is taken from the sinks.
func (cfg ReplayConfig) fill(ctx context.Context, pool *pgxpool.Pool) error {
	return sink.Replay(ctx, sink.Config{
		Kafka: cfg.Kafka, Pool: pool, Group: "sightlog-replay-" + time.Now().UTC().Format("20060102t150405.000000"), Consumers: cfg.Sinks,
		Store: sink.Store(cfg.Store), Log: cfg.Log,
	}, cfg.Since, cfg.Progress)
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

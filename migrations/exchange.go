package migrations

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Exchange puts the tables of another schema of the database in place of the tables of
// pool's, which are moved to the schema kept; it must not exist. Programs may write and
// read meanwhile: sinks wait, find the exchange by the identity of sink_offsets, and go
// on with the new tables. fill is called while no sink can write the tables of pool, and
// check while none can write the others either; an error of them leaves all as it was. The
// stored offsets in kept get another cluster id, so that no sink can write those tables.
func Exchange(ctx context.Context, pool *pgxpool.Pool, with, kept string, fill, check func(context.Context, pgx.Tx) error, log *slog.Logger) error {
	return exclusively(ctx, pool, log, func(tx pgx.Tx) error {
		live, found, err := findSchema(ctx, tx)
		if err != nil {
			return err
		}
		if !found {
			return usage.New("name the schema that has them", "schema %s has no tables of sightlog's", live.schema)
		}
		var name string // of the live schema, without quotes
		if err := tx.QueryRow(ctx, "SELECT current_schema()").Scan(&name); err != nil {
			return err
		}
		replacement, away := pgx.Identifier{with}.Sanitize(), pgx.Identifier{kept}.Sanitize()
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '10s'"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "LOCK TABLE "+live.schema+".sink_offsets IN EXCLUSIVE MODE"); err != nil {
			return err
		}
		if err := fill(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "LOCK TABLE "+replacement+".sink_offsets IN EXCLUSIVE MODE"); err != nil {
			return err
		}
		if err := check(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+away); err != nil {
			return live.createSchemaDenied(err)
		}
		if _, err := tx.Exec(ctx, "UPDATE "+live.schema+".sink_offsets SET cluster_id = cluster_id || ' before the exchange'"); err != nil {
			return err
		}
		for _, m := range []struct{ from, to string }{{name, away}, {with, live.schema}} {
			if _, err := moveAll(ctx, tx, m.from, m.to); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "DROP SCHEMA "+replacement)
		return err
	})
}

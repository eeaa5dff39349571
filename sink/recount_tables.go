package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// recountTables and recountViews are what a recount has of its own. Cameras, runs,
// sightings and the totals of whole pictures do not depend on zones and lines, and tracks
// only where the objects are tracked again.
var (
	recountTables = []string{"crossings", "crossing_minutes", "crossing_half_hours", "zone_minutes", "visits"}
	recountViews  = []string{"v_crossings", "v_crossing_minutes", "v_zone_minutes", "v_visits", "v_place_crossings", "v_place_seconds",
		"v_place_tracks", "v_staff_tracks"}
)

// recountLines is the view of a recount's lines, which it counted with in all runs of its
// cameras.
const recountLines = `CREATE VIEW %s.v_counted_lines AS
SELECT r.id AS run_id, d.name AS line, d.points, n.since, n.until
FROM definitions d JOIN recounts n ON n.id = d.recount_id JOIN runs r ON r.camera_id = d.camera_id
WHERE d.kind = 'line' AND d.recount_id = %d`

// recountSchema is where a recount's tables are.
type recountSchema struct {
	id   int32  // of the row in recounts
	name string // of the schema
	base string // quoted schema of the tables of before
}

// createRecount inserts the row of a recount, creates its schema, and sets the search path
// of the transaction to that schema and the one of before.
func createRecount(ctx context.Context, tx pgx.Tx, since, until time.Time, score float32) (s recountSchema, err error) {
	tables, ofThem := recountTables, recountViews
	if score > 0 {
		tables, ofThem = append(slices.Clone(tables), "tracks"), append(slices.Clone(ofThem), "v_tracks")
	}
	err = tx.QueryRow(ctx, `INSERT INTO recounts (schema, since, until, score)
		SELECT left(n.nspname, 36) || '_recount_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD"t"HH24MISSUS'), $1, $2, nullif($3::real, 0)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = 'cameras'::regclass
		RETURNING id, schema, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'cameras'::regclass)`, since, until, score).
		Scan(&s.id, &s.name, &s.base)
	if err != nil {
		return s, err
	}
	schema := pgx.Identifier{s.name}.Sanitize()
	if _, err := tx.Exec(ctx, "SET LOCAL search_path = "+s.base); err != nil {
		return s, err
	}
	views := []string{fmt.Sprintf(recountLines, schema, s.id)}
	for _, v := range ofThem {
		var definition string // it names no schema, as that is the search path
		if err := tx.QueryRow(ctx, "SELECT pg_get_viewdef($1::regclass)", v).Scan(&definition); err != nil {
			return s, err
		}
		views = append(views, fmt.Sprintf("CREATE VIEW %s.%s AS %s", schema, v, definition))
	}
	if _, err := tx.Exec(ctx, "CREATE SCHEMA "+schema); sqlstate(err) == insufficientPrivilege {
		return s, usage.Wrap(err, "connect as the owner of its tables, or have CREATE on the database granted", "the role may create no schema for the recount")
	} else if err != nil {
		return s, err
	}
	for _, t := range tables {
		if _, err := tx.Exec(ctx, fmt.Sprintf("CREATE TABLE %s.%s (LIKE %s INCLUDING ALL)", schema, t, t)); err != nil {
			return s, err
		}
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL search_path = %s, %s", schema, s.base)); err != nil {
		return s, err
	}
	for _, sql := range views {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return s, err
		}
	}
	return s, grantRecount(ctx, tx, schema, s.base)
}

// grantRecount lets the roles read the recount that may read the crossings of before.
func grantRecount(ctx context.Context, tx pgx.Tx, schema, base string) error {
	rows, err := tx.Query(ctx, `SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
		FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
		WHERE c.oid = $1::regclass AND a.privilege_type = 'SELECT'`, base+".crossings")
	if err != nil {
		return err
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, role := range roles {
		for _, what := range []string{"USAGE ON SCHEMA", "SELECT ON ALL TABLES IN SCHEMA"} {
			if _, err := tx.Exec(ctx, fmt.Sprintf("GRANT %s %s TO %s", what, schema, role)); err != nil {
				return err
			}
		}
	}
	return nil
}

// DropRecount removes a recount.
func DropRecount(ctx context.Context, pool *pgxpool.Pool, id int32) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var schema string
		err := tx.QueryRow(ctx, "DELETE FROM recounts WHERE id = $1 RETURNING schema", id).Scan(&schema)
		if errors.Is(err, pgx.ErrNoRows) {
			return usage.New("sightlog query sql 'SELECT * FROM recounts' lists them", "there is no recount %d", id)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" CASCADE")
		return err
	})
	if err != nil && !usage.Is(err) {
		return fmt.Errorf("drop recount %d: %w", id, err)
	}
	return err
}

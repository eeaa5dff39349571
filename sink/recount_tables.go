package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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

// create inserts the row of a recount and its definitions, and creates its schema.
func (w *recount) create(ctx context.Context, tx pgx.Tx) error {
	w.counted = []int32{}
	var names []string
	for _, c := range w.Cameras {
		if _, err := c.New(w.Score); err != nil {
			return err
		}
		names = append(names, c.Name)
	}
	if err := w.findCameras(ctx, tx, names); err != nil {
		return err
	}
	ids := slices.Collect(maps.Keys(w.byID))
	err := tx.QueryRow(ctx, `INSERT INTO recounts (schema, since, until, score, upto, frames)
		SELECT left(n.nspname, 36) || '_recount_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD"t"HH24MISSUS'),
		       $1::timestamptz, $2::timestamptz, nullif($3::real, 0),
		       least($2::timestamptz, (SELECT max(captured_at) + interval '1 us' FROM latest_sightings WHERE camera_id = ANY ($4))),
		       (SELECT coalesce(sum(frames), 0) FROM camera_minutes
		        WHERE camera_id = ANY ($4) AND minute >= $1::timestamptz AND minute < $2::timestamptz)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = 'cameras'::regclass
		RETURNING id, schema, upto, attempt`, w.Since, w.Until, w.Score, ids).Scan(&w.id, &w.schema, &w.upto, &w.attempt)
	if err != nil {
		return err
	}
	for id, c := range w.byID {
		for _, s := range c.Shapes {
			if _, err := tx.Exec(ctx, `INSERT INTO definitions (camera_id, recount_id, kind, name, points)
				VALUES ($1, $2, $3, $4, $5)`, id, w.id, s.Kind, s.Name, coordinates(s.Points)); err != nil {
				return err
			}
		}
	}
	return w.createSchema(ctx, tx)
}

// findCameras sets byID, and base.
func (w *recount) findCameras(ctx context.Context, tx pgx.Tx, names []string) error {
	if err := tx.QueryRow(ctx, "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'cameras'::regclass").Scan(&w.base); err != nil {
		return err
	}
	w.byID = make(map[int32]*RecountCamera)
	for i := range w.Cameras {
		c := &w.Cameras[i]
		if !slices.Contains(names, c.Name) {
			continue
		}
		var id int32
		err := tx.QueryRow(ctx, "SELECT id FROM cameras WHERE name = $1", c.Name).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return usage.New("take it out of the configuration, or name others with --camera", "camera %s has no rows in the database", c.Name)
		}
		if err != nil {
			return err
		}
		w.byID[id] = c
	}
	return nil
}

// tables returns the names of the recount's tables.
func (w *recount) tables() []string {
	if w.Score > 0 {
		return append(slices.Clone(recountTables), "tracks")
	}
	return recountTables
}

// createSchema creates the recount's schema with its tables and views.
func (w *recount) createSchema(ctx context.Context, tx pgx.Tx) error {
	ofThem := recountViews
	if w.Score > 0 {
		ofThem = append(slices.Clone(ofThem), "v_tracks")
	}
	schema := pgx.Identifier{w.schema}.Sanitize()
	if _, err := tx.Exec(ctx, "SET LOCAL search_path = "+w.base); err != nil {
		return err
	}
	views := []string{fmt.Sprintf(recountLines, schema, w.id)}
	for _, v := range ofThem {
		var definition string // it names no schema, as that is the search path
		if err := tx.QueryRow(ctx, "SELECT pg_get_viewdef($1::regclass)", v).Scan(&definition); err != nil {
			return err
		}
		views = append(views, fmt.Sprintf("CREATE VIEW %s.%s AS %s", schema, v, definition))
	}
	if _, err := tx.Exec(ctx, "CREATE SCHEMA "+schema); sqlstate(err) == insufficientPrivilege {
		return usage.Wrap(err, "connect as the owner of its tables, or have CREATE on the database granted",
			"the role may create no schema for the recount")
	} else if err != nil {
		return err
	}
	for _, t := range w.tables() {
		if _, err := tx.Exec(ctx, fmt.Sprintf("CREATE TABLE %s.%s (LIKE %s INCLUDING ALL)", schema, t, t)); err != nil {
			return err
		}
	}
	if err := w.searchPath(ctx, tx); err != nil {
		return err
	}
	for _, sql := range views {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return grantRecount(ctx, tx, schema, w.base)
}

// searchPath has a transaction find the recount's tables before those of before.
func (w *recount) searchPath(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL search_path = %s, %s", pgx.Identifier{w.schema}.Sanitize(), w.base))
	return err
}

// taken explains that the recount's row is not that of our attempt any more.
func (w *recount) taken(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("recount %d was removed, or another process has resumed it", w.id)
	}
	return err
}

// resume takes over an interrupted recount: its attempts of before can write no more, and
// what they wrote of runs that are not done is deleted.
func (w *recount) resume(ctx context.Context, tx pgx.Tx) error {
	var score *float32
	var finished bool
	err := tx.QueryRow(ctx, `UPDATE recounts SET attempt = attempt + 1 WHERE id = $1
		RETURNING id, schema, since, until, score, upto, done, attempt, finished_at IS NOT NULL`, w.Resume).
		Scan(&w.id, &w.schema, &w.Since, &w.Until, &score, &w.upto, &w.counted, &w.attempt, &finished)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return noRecount(w.Resume)
	case err != nil:
		return err
	case finished:
		return usage.New(fmt.Sprintf("ask it: query NAME --recount %d", w.id), "recount %d is complete", w.id)
	case score != nil:
		w.Score = *score
	}
	if err := w.sameShapes(ctx, tx); err != nil {
		return err
	}
	if err := w.searchPath(ctx, tx); err != nil {
		return err
	}
	for _, t := range w.tables() {
		if _, err := tx.Exec(ctx, "DELETE FROM "+t+" WHERE run_id <> ALL ($1)", w.counted); err != nil {
			return err
		}
	}
	return nil
}

// sameShapes checks that the cameras have the zones and lines of the recount, and leaves
// those out that are not in it.
func (w *recount) sameShapes(ctx context.Context, tx pgx.Tx) error {
	type key struct{ camera, kind, name string }
	points := make(map[key][]float64)
	rows, err := tx.Query(ctx, `SELECT c.name, d.kind, d.name, d.points FROM definitions d JOIN cameras c ON c.id = d.camera_id
		WHERE d.recount_id = $1`, w.id)
	if err != nil {
		return err
	}
	var k key
	var p []float64
	if _, err := pgx.ForEachRow(rows, []any{&k.camera, &k.kind, &k.name, &p}, func() error {
		points[k] = slices.Clone(p)
		return nil
	}); err != nil {
		return err
	}
	var names []string
	for k := range points {
		names = append(names, k.camera)
	}
	w.Cameras = slices.DeleteFunc(slices.Clone(w.Cameras), func(c RecountCamera) bool { return !slices.Contains(names, c.Name) })
	for _, c := range w.Cameras {
		for _, s := range c.Shapes {
			k := key{c.Name, s.Kind, s.Name}
			if slices.Equal(points[k], coordinates(s.Points)) {
				delete(points, k)
			} else {
				points[k] = nil
			}
		}
	}
	for k := range points {
		return usage.New(fmt.Sprintf("give the file that it was begun with, or begin another and remove this one (--drop %d)", w.id),
			"recount %d does not count %s %s of camera %s as the configuration file has it", w.id, k.kind, k.name, k.camera)
	}
	return w.findCameras(ctx, tx, names)
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

func noRecount(id int32) error {
	return usage.New("sightlog query sql 'SELECT * FROM recounts' lists them", "there is no recount %d", id)
}

// DropRecount removes a recount.
func DropRecount(ctx context.Context, pool *pgxpool.Pool, id int32) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var schema string
		err := tx.QueryRow(ctx, "DELETE FROM recounts WHERE id = $1 RETURNING schema", id).Scan(&schema)
		if errors.Is(err, pgx.ErrNoRows) {
			return noRecount(id)
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

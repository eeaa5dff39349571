package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/usage"
)

// Counter counts with the zones and lines of a camera.
type Counter interface {
	// Count sets the zones of a sighting's objects and returns the crossings that are
	// complete in it. The sightings of a run come in their order. It may give the objects
	// other tracks, and remove some, if RecountConfig.Score is set.
	Count(s *event.Sighting) []event.Crossing
	// End returns the crossings that are complete because the run ends.
	End() []event.Crossing
}

// RecountCamera is a camera whose past is counted again.
type RecountCamera struct {
	Name   string
	Shapes []event.Shape
	New    func() (Counter, error) // is called for each run
}

// RecountConfig is what to count again. Visits and crossings count from Since on; one that
// had begun before is continued.
type RecountConfig struct {
	Pool         *pgxpool.Pool // its role may create schemas
	Cameras      []RecountCamera
	Since, Until time.Time
	Score        float32                              // the threshold with which Counters track the objects again; 0: they do not
	Progress     func(camera string, until time.Time) // is called after each hour; may be nil
}

// Recounted is the result of a recount.
type Recounted struct {
	ID        int32  // of its row in recounts
	Schema    string // with its tables
	Sightings int64  // that were counted
	Frames    int64  // that the totals have of the same time; more, if rows were deleted or never written
	Figures   []RecountFigure
}

// RecountFigure is a sum over the time of a recount: of a line the crossings in and out, of
// a zone the visits.
type RecountFigure struct {
	Camera, Kind, Name, Figure string
	Before, Now                *int64 // nil: not defined then, or not any more
}

// Recount counts the sightings in the tables again with other zones and lines. The result
// is in tables of their own, in a schema beside those of before, which stay as they are.
// It is one transaction: a recount that is interrupted leaves nothing.
func Recount(ctx context.Context, cfg RecountConfig) (r *Recounted, err error) {
	err = pgx.BeginTxFunc(ctx, cfg.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		schemas, err := createRecount(ctx, tx, cfg.Since, cfg.Until, cfg.Score)
		if err != nil {
			return err
		}
		w := recount{RecountConfig: cfg, tx: tx, base: schemas.base, result: Recounted{ID: schemas.id, Schema: schemas.name}}
		for _, c := range cfg.Cameras {
			if err := w.camera(ctx, c); err != nil {
				return err
			}
		}
		r = &w.result
		return w.finish(ctx)
	})
	if err != nil && !usage.Is(err) {
		return nil, fmt.Errorf("recount: %w", err)
	}
	return r, err
}

// recount is a recount in progress.
type recount struct {
	RecountConfig
	tx     pgx.Tx
	base   string // quoted schema of the tables of before
	result Recounted
}

// camera counts the runs of a camera.
func (w *recount) camera(ctx context.Context, c RecountCamera) error {
	var camera int32
	err := w.tx.QueryRow(ctx, "SELECT id FROM cameras WHERE name = $1", c.Name).Scan(&camera)
	if errors.Is(err, pgx.ErrNoRows) {
		return usage.New("take it out of the configuration, or name others with --camera", "camera %s has no rows in the database", c.Name)
	}
	if err != nil {
		return err
	}
	for _, s := range c.Shapes {
		if _, err := w.tx.Exec(ctx, "INSERT INTO definitions (camera_id, recount_id, kind, name, points) VALUES ($1, $2, $3, $4, $5)",
			camera, w.result.ID, s.Kind, s.Name, coordinates(s.Points)); err != nil {
			return err
		}
	}
	rows, err := w.tx.Query(ctx, "SELECT DISTINCT run_id FROM camera_minutes WHERE camera_id = $1 AND minute >= $2 AND minute < $3 ORDER BY 1",
		camera, w.Since.Truncate(time.Minute), w.Until)
	if err != nil {
		return err
	}
	runs, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return err
	}
	for _, run := range runs {
		counter, err := c.New()
		if err != nil {
			return err
		}
		if err := w.run(ctx, c.Name, camera, run, counter); err != nil {
			return err
		}
	}
	return nil
}

// run counts a run, an hour after the other. It begins before Since where tracks do, for
// the sides of lines on which they were.
func (w *recount) run(ctx context.Context, name string, camera, run int32, counter Counter) error {
	from := w.Since
	if err := w.tx.QueryRow(ctx, `SELECT least($2, min(first_at)) FROM tracks WHERE run_id = $1 AND first_at < $2 AND last_at >= $2 - interval '10 s'`,
		run, w.Since).Scan(&from); err != nil {
		return err
	}
	labels, err := labelsOf(ctx, w.tx, run)
	if err != nil {
		return err
	}
	rows, err := w.tx.Query(ctx, `SELECT DISTINCT date_trunc('hour', minute, 'UTC') FROM camera_minutes
		WHERE camera_id = $1 AND run_id = $2 AND minute >= $3 AND minute < $4 ORDER BY 1`, camera, run, from.Truncate(time.Minute), w.Until)
	if err != nil {
		return err
	}
	hours, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return err
	}
	for _, hour := range hours {
		until := hour.Add(time.Hour)
		if hour.Before(from) {
			hour = from
		}
		if until.After(w.Until) {
			until = w.Until
		}
		sightings, err := w.sightings(ctx, camera, run, hour, until, labels)
		if err != nil {
			return err
		}
		if err := w.count(ctx, sightings, counter); err != nil {
			return err
		}
		if w.Progress != nil {
			w.Progress(name, until)
		}
	}
	return w.end(ctx, camera, run, counter)
}

// end counts what the end of a run completes, where it has one before Until.
func (w *recount) end(ctx context.Context, camera, run int32, counter Counter) error {
	var ended bool
	if err := w.tx.QueryRow(ctx, `SELECT finished_at IS NOT NULL AND NOT EXISTS (SELECT FROM sightings s
		WHERE s.camera_id = $2 AND s.run_id = $1 AND s.captured_at >= $3) FROM runs WHERE id = $1`, run, camera, w.Until).Scan(&ended); err != nil {
		return err
	}
	if !ended {
		return nil
	}
	b := new(pgx.Batch)
	crossingTable.queue(b, w.crossings(counter.End(), camera, run))
	return sendIn(ctx, w.tx, b)
}

// crossings returns the rows of crossings from Since on.
func (w *recount) crossings(all []event.Crossing, camera, run int32) (rows []crossingRow) {
	for i := range all {
		if !all[i].CapturedAt.Before(w.Since) {
			rows = append(rows, crossingRow{&all[i], camera, run})
		}
	}
	return rows
}

// sightings reads a run's sightings in the order of their frames.
func (w *recount) sightings(ctx context.Context, camera, run int32, from, until time.Time, labels map[int16]string) (all []sightingRow, err error) {
	rows, err := w.tx.Query(ctx, sightingsOfRun, camera, run, from, until)
	if err != nil {
		return nil, err
	}
	err = eachSighting(rows, labels, func(s *event.Sighting) error {
		all = append(all, sightingRow{Sighting: s, camera: camera, run: run})
		return nil
	})
	return all, err
}

// count counts sightings and adds them to the recount's tables.
func (w *recount) count(ctx context.Context, sightings []sightingRow, counter Counter) error {
	var crossings []crossingRow
	counted := make([]sightingRow, 0, len(sightings))
	for _, s := range sightings {
		crossings = append(crossings, w.crossings(counter.Count(s.Sighting), s.camera, s.run)...)
		if !s.CapturedAt.Before(w.Since) {
			counted = append(counted, s)
		}
	}
	w.result.Sightings += int64(len(counted))
	b := new(pgx.Batch)
	crossingTable.queue(b, crossings)
	totals := totalsOf(counted)
	if w.Score > 0 {
		totals.queueTracks(b)
	}
	totals.queueZones(b, insertVisits)
	return sendIn(ctx, w.tx, b)
}

// finish completes the row of the recount and compares its figures with those of before.
func (w *recount) finish(ctx context.Context) error {
	cameras := make([]string, len(w.Cameras))
	for i, c := range w.Cameras {
		cameras[i] = c.Name
	}
	if err := w.tx.QueryRow(ctx, `UPDATE recounts SET sightings = $2, frames = (SELECT coalesce(sum(m.frames), 0) FROM camera_minutes m JOIN cameras c ON c.id = m.camera_id
			WHERE c.name = ANY ($3) AND m.minute >= $4 AND m.minute < $5) WHERE id = $1 RETURNING frames`,
		w.result.ID, w.result.Sightings, cameras, w.Since, w.Until).Scan(&w.result.Frames); err != nil {
		return err
	}
	rows, err := w.tx.Query(ctx, fmt.Sprintf(`
WITH before AS (%s), now AS (%s), defined AS (
    SELECT c.name AS camera, d.kind, d.name FROM definitions d JOIN cameras c ON c.id = d.camera_id WHERE d.recount_id = $4
), named AS (
    SELECT camera, kind, name FROM before UNION SELECT camera, kind, name FROM defined
)
SELECT n.camera, n.kind, n.name, f.figure,
       CASE WHEN EXISTS (SELECT FROM before x WHERE x.camera = n.camera AND x.kind = n.kind AND x.name = n.name) THEN coalesce(b.n, 0) END,
       CASE WHEN EXISTS (SELECT FROM defined x WHERE x.camera = n.camera AND x.kind = n.kind AND x.name = n.name) THEN coalesce(a.n, 0) END
FROM named n JOIN (VALUES ('line', 'in', 1), ('line', 'out', 2), ('zone', 'visits', 3)) AS f(kind, figure, place) ON f.kind = n.kind
LEFT JOIN before b ON b.camera = n.camera AND b.kind = n.kind AND b.name = n.name AND b.figure = f.figure
LEFT JOIN now a ON a.camera = n.camera AND a.kind = n.kind AND a.name = n.name AND a.figure = f.figure
ORDER BY n.camera, n.kind, n.name, f.place`, figuresOf(w.base+"."), figuresOf("")), cameras, w.Since, w.Until, w.result.ID)
	if err != nil {
		return err
	}
	w.result.Figures, err = pgx.CollectRows(rows, pgx.RowToStructByPos[RecountFigure])
	slices.SortStableFunc(w.result.Figures, func(a, b RecountFigure) int { return natural.Compare(a.Camera, b.Camera) })
	return err
}

// figuresOf returns the SQL of the figures in the tables of a schema.
func figuresOf(schema string) string {
	return fmt.Sprintf(`SELECT c.name AS camera, 'line' AS kind, x.line AS name, x.direction AS figure, count(*) AS n
    FROM %[1]scrossings x JOIN cameras c ON c.id = x.camera_id
    WHERE c.name = ANY ($1) AND x.captured_at >= $2 AND x.captured_at < $3 GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT c.name, 'zone', v.zone, 'visits', count(*)
    FROM %[1]svisits v JOIN cameras c ON c.id = v.camera_id
    WHERE c.name = ANY ($1) AND v.entered_at >= $2 AND v.entered_at < $3 GROUP BY 1, 2, 3, 4`, schema)
}

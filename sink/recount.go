package sink

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/usage"
)

// Recount counts the sightings in the tables again with other zones and lines. The result
// is in tables of their own, in a schema beside those of before, which stay as they are.
//
// Sightings are read, counted and written a window after the other, and nothing is locked
// while they are counted: neither the memory nor those who write or drop days of sightings
// notice how many there are. A recount that was interrupted is resumed; the runs that were
// counted to their end are not counted again.
func Recount(ctx context.Context, cfg RecountConfig) (*Recounted, error) {
	cfg.Workers, cfg.Window = cmp.Or(cfg.Workers, runtime.GOMAXPROCS(0)), cmp.Or(cfg.Window, 2000)
	w := &recount{RecountConfig: cfg}
	r, err := w.recount(ctx)
	if err != nil && !usage.Is(err) {
		return nil, fmt.Errorf("recount: %w", err)
	}
	return r, err
}

func (w *recount) recount(ctx context.Context) (*Recounted, error) {
	err := pgx.BeginFunc(ctx, w.Pool, func(tx pgx.Tx) error {
		if w.Resume != 0 {
			return w.resume(ctx, tx)
		}
		return w.create(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	if w.Begun != nil {
		w.Begun(w.id)
	}
	runs, err := w.runs(ctx)
	if err != nil {
		return nil, err
	}
	g, counting := errgroup.WithContext(ctx)
	g.SetLimit(w.Workers)
	for _, run := range runs {
		g.Go(func() error { return w.count(counting, run) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return w.finish(ctx)
}

// finish compares the figures with those of before, and marks the recount as complete.
func (w *recount) finish(ctx context.Context) (*Recounted, error) {
	r := &Recounted{ID: w.id, Schema: w.schema}
	cameras := make([]string, len(w.Cameras))
	for i, c := range w.Cameras {
		cameras[i] = c.Name
	}
	err := pgx.BeginFunc(ctx, w.Pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `UPDATE recounts SET finished_at = now() WHERE id = $1 AND attempt = $2
			RETURNING sightings, frames`, w.id, w.attempt).
			Scan(&r.Sightings, &r.Frames)
		if err != nil {
			return w.taken(err)
		}
		if err := w.searchPath(ctx, tx); err != nil {
			return err
		}
		for _, t := range w.tables() {
			if _, err := tx.Exec(ctx, "ANALYZE "+t); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, fmt.Sprintf(compareFigures, figuresOf(w.base+"."), figuresOf("")), cameras, w.Since, w.upto, w.id)
		if err != nil {
			return err
		}
		r.Figures, err = pgx.CollectRows(rows, pgx.RowToStructByPos[RecountFigure])
		slices.SortStableFunc(r.Figures, func(a, b RecountFigure) int { return natural.Compare(a.Camera, b.Camera) })
		return err
	})
	return r, err
}

// compareFigures has the figures of before and of now, whose SQL it is given.
const compareFigures = `
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
ORDER BY n.camera, n.kind, n.name, f.place`

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

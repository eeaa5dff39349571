package query

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Export is one run's detections, to be written in a format of other tools.
type Export struct {
	Camera string
	Run    string
	Filter Filter // narrows by time
	// Tracked leaves out detections without a track. Tools that score tracks require it:
	// in their formats an id occurs once a frame, and -1 would be one.
	Tracked bool

	id     int
	camera int
	name   string // what image names begin with: the file's, or the camera
}

// ExportStats counts what an export wrote.
type ExportStats struct {
	Frames     int64 // with detections
	Detections int64
}

// FindExport finds the run that the filter names, or else the one of its
// camera, or of all, that began last.
func FindExport(ctx context.Context, db *pgxpool.Pool, f Filter) (*Export, error) {
	if err := f.CheckExists(ctx, db); err != nil {
		return nil, err
	}
	e := &Export{Filter: Filter{Since: f.Since, Until: f.Until}}
	var kind, source string
	err := db.QueryRow(ctx, `
SELECT r.id, c.id, c.name, r.run, r.source_kind, coalesce(r.source, '')
FROM runs r JOIN cameras c ON c.id = r.camera_id
WHERE ($1 = '' OR c.name = $1) AND ($2 = '' OR r.run = $2)
ORDER BY r.started_at DESC NULLS LAST, r.id DESC LIMIT 1`, f.Camera, f.Run).Scan(&e.id, &e.camera, &e.Camera, &e.Run, &kind, &source)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && f.Run != "" && f.Camera != "":
		return nil, usage.Wrap(err, "leave --camera out", "--run %q is not of --camera %q", f.Run, f.Camera)
	case errors.Is(err, pgx.ErrNoRows):
		return nil, usage.Wrap(err, "run a source first", "no run is in the database")
	case err != nil:
		return nil, fmt.Errorf("find the run: %w", err)
	}
	if e.name = e.Camera; kind == "file" && source != "" {
		e.name = filepath.Base(source)
	}
	return e, nil
}

// detection is a row of the table.
type detection struct {
	seq   int64
	track *int64
	class int
	score float32
	box   [4]float32 // x1, y1, x2, y2 in pixels
}

func (d *detection) width() float64  { return float64(d.box[2]) - float64(d.box[0]) }
func (d *detection) height() float64 { return float64(d.box[3]) - float64(d.box[1]) }

// each calls do for each detection, ordered by frame and index.
func (e *Export) each(ctx context.Context, tx pgx.Tx, do func(*detection) error) (n ExportStats, err error) {
	tracked := ""
	if e.Tracked {
		tracked = " AND s.track_id IS NOT NULL"
	}
	var d detection
	last := int64(-1)
	err = e.rows(ctx, tx, "seq, track_id, class_id, score, x1, y1, x2, y2 FROM detections", tracked, "captured_at, seq, object_index",
		[]any{&d.seq, &d.track, &d.class, &d.score, &d.box[0], &d.box[1], &d.box[2], &d.box[3]}, func() error {
			if d.seq != last {
				last = d.seq
				n.Frames++
			}
			n.Detections++
			return do(&d)
		})
	return n, err
}

// rows calls do for each row of a table with captured_at, camera_id and run_id. The order
// is that of the primary key, so that nothing is sorted. No frame is a day older than its
// run, so that older partitions are not read.
func (e *Export) rows(ctx context.Context, tx pgx.Tx, what, and, order string, into []any, do func() error) error {
	s := &statement{Filter: e.Filter}
	where, run, camera := s.in("captured_at"), s.arg(e.id), s.arg(e.camera)
	sql := fmt.Sprintf(`SELECT %s s WHERE %s%s AND s.run_id = %[4]s AND s.camera_id = %[5]s
AND s.captured_at >= coalesce((SELECT started_at - interval '1 day' FROM runs WHERE id = %[4]s), '-infinity') ORDER BY %[6]s`,
		what, where, and, run, camera, order)
	rows, err := tx.Query(ctx, sql, s.args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, do)
	return err
}

// appendPixels writes hundredths of a pixel; the detector has tenths.
func appendPixels(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'f', 2, 64) }

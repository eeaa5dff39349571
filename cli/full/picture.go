package full

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

// PictureCmd draws what the tables say of a frame into that frame.
type PictureCmd struct {
	config.Data
	config.Database
	config.Privacy
	Camera string `placeholder:"ID" env:"-" help:"Of this camera; without it, of the one that read a file last."`
	Frame  int64  `default:"-1" env:"-" placeholder:"SEQ" help:"This frame; without it, the one with the most people clearly visible."`
	Out    string `default:"picture.jpg" placeholder:"FILE" env:"-" help:"Where to write it (${default})."`
}

// storedFrame is a frame in the tables.
type storedFrame struct {
	source  string
	camera  string
	run     int32
	seq     int64
	at      time.Time
	objects []event.Object
}

// Run implements the command.
func (c *PictureCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	db, done, err := database.Open(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	s, err := c.find(ctx, db)
	if err != nil {
		return err
	}
	mode := preview.Privacy(c.PrivacyOf(env.Cameras[s.camera]))
	hide := func(frame event.Size) (*preview.Veil, error) { return storedVeil(ctx, db, mode, s.run, s.at, frame) }
	if err := draw(ctx, s, hide, c.Out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: frame %d of %s, %d detections\n", c.Out, s.seq, s.camera, len(s.objects))
	return err
}

// bestFrame is the given frame of a run or, where it is -1, of the 200 fullest
// the one with most detections that are sure and apart from all others, less
// those that are not.
const bestFrame = `
	WITH fullest AS MATERIALIZED (
		SELECT s.camera_id, s.captured_at, s.run_id, s.seq FROM runs r JOIN sightings s ON s.camera_id = r.camera_id AND s.run_id = r.id
		WHERE r.id = $1 AND ($2 < 0 OR s.seq = $2) ORDER BY s.objects DESC, s.seq LIMIT 200
	), box AS MATERIALIZED (
		SELECT seq, object_index, score, x1, y1, x2, y2, (x2 - x1) * (y2 - y1) AS area
		FROM fullest JOIN detections USING (camera_id, captured_at, run_id, seq)
	), clear AS (
		SELECT seq, CASE WHEN score >= 0.5 AND NOT EXISTS (
			SELECT FROM box o WHERE o.seq = b.seq AND o.object_index <> b.object_index
				AND greatest(0, least(o.x2, b.x2) - greatest(o.x1, b.x1)) * greatest(0, least(o.y2, b.y2) - greatest(o.y1, b.y1))
					> 0.2 * least(o.area, b.area)) THEN 1 ELSE -1 END AS worth
		FROM box b
	)
	SELECT f.seq, f.captured_at FROM fullest f LEFT JOIN clear c ON c.seq = f.seq
	GROUP BY f.seq, f.captured_at ORDER BY sum(worth) DESC NULLS LAST, f.seq LIMIT 1`

// find looks the frame and its detections up.
func (c *PictureCmd) find(ctx context.Context, db *pgxpool.Pool) (*storedFrame, error) {
	var s storedFrame
	err := db.QueryRow(ctx, `
		SELECT r.id, r.source, c.name FROM runs r JOIN cameras c ON c.id = r.camera_id
		WHERE r.source_kind = 'file' AND ($1 = '' OR c.name = $1) AND r.source IS NOT NULL
		ORDER BY r.started_at DESC LIMIT 1`, c.Camera).Scan(&s.run, &s.source, &s.camera)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, usage.Wrap(err, "run a file first, or give another --camera", "no run of a file is in the database")
	}
	if err == nil {
		err = db.QueryRow(ctx, bestFrame, s.run, c.Frame).Scan(&s.seq, &s.at)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, usage.Wrap(err, "give another --frame", "frame %d of %s is not in the database", c.Frame, s.source)
	}
	if err != nil {
		return nil, fmt.Errorf("find the frame: %w", err)
	}
	rows, err := db.Query(ctx, `
		SELECT d.object_index, d.class_id, coalesce(l.label, ''), d.score, d.x1, d.y1, d.x2, d.y2, d.track_id
		FROM runs r JOIN detections d ON d.camera_id = r.camera_id AND d.run_id = r.id LEFT JOIN classes l USING (run_id, class_id)
		WHERE r.id = $1 AND d.seq = $2 ORDER BY 1`, s.run, s.seq)
	if err == nil {
		s.objects, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (o event.Object, err error) {
			err = r.Scan(&o.Index, &o.ClassID, &o.Label, &o.Score, &o.Box[0], &o.Box[1], &o.Box[2], &o.Box[3], &o.TrackID)
			return o, err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the detections: %w", err)
	}
	return &s, nil
}

// draw reads the frame from its file again and writes it with its boxes, without what hide says.
func draw(ctx context.Context, s *storedFrame, hide func(event.Size) (*preview.Veil, error), out string) error {
	spec, err := ingest.ParseSpec(s.camera+"="+s.source, 0) // it may be a file URI
	if err != nil {
		return err
	}
	src, err := ingest.Open(ctx, spec, ingest.Options{Pace: ingest.Fast, StartAt: s.seq})
	if err != nil {
		return err
	}
	defer src.Close()
	var f ingest.Frame
	if err := src.Next(ctx, &f); err != nil {
		return fmt.Errorf("read frame %d of %s: %w", s.seq, s.source, err)
	}
	veil, err := hide(event.Size{Width: f.Size().X, Height: f.Size().Y})
	if err != nil {
		return err
	}
	if err := veil.Blur(&f.Image); err != nil {
		return err
	}
	if err := preview.Annotate(&f.Image, s.objects); err != nil {
		return err
	}
	return preview.SaveJPEG(out, &f.Image)
}

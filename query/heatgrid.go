package query

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// HeatGrid is the report heatmap of one camera: how many detections had their feet in each
// cell of a grid over the picture.
type HeatGrid struct {
	Camera  string     `json:"camera"`
	Since   *time.Time `json:"since"`
	Until   *time.Time `json:"until"`
	Grid    int        `json:"grid"` // cells in each direction
	N       int64      `json:"n"`
	Most    int64      `json:"most"` // in a cell
	Frames  int64      `json:"frames"`
	Seconds int64      `json:"seconds"` // in which a frame was processed
	Dropped int64      `json:"dropped"`
	Width   int64      `json:"width"` // of the newest run's frame; 0 if it is not known
	Height  int64      `json:"height"`
	Cells   [][3]int64 `json:"cells"` // x, y and n of each that is not empty, from the top left
}

// HeatOf returns the heat map of the filter's camera.
func HeatOf(ctx context.Context, db *pgxpool.Pool, f Filter) (*HeatGrid, error) {
	if f.Camera == "" {
		return nil, usage.New("give --camera", "a heat map is of one camera")
	}
	h := &HeatGrid{Camera: f.Camera, Grid: f.grid(), Cells: [][3]int64{}}
	if !f.Since.IsZero() {
		h.Since = new(f.Since.UTC())
	}
	if !f.Until.IsZero() {
		h.Until = new(f.Until.UTC())
	}
	s := &statement{Filter: f}
	sql := heatmap.sql(s)
	err := f.snapshot(ctx, db, func(tx pgx.Tx) error {
		if err := each(ctx, tx, `SELECT coalesce(r.frame_width, 0)::bigint, coalesce(r.frame_height, 0)::bigint
FROM runs r JOIN cameras c ON c.id = r.camera_id WHERE c.name = $1 ORDER BY r.id DESC LIMIT 1`, []any{f.Camera}, []any{&h.Width, &h.Height}, func() error { return nil }); err != nil {
			return err
		}
		var camera string
		var x, y *int64
		var n int64
		return each(ctx, tx, sql, s.args, []any{&camera, &x, &y, &n, &h.Frames, &h.Seconds, &h.Dropped}, func() error {
			if x != nil && y != nil {
				h.Cells = append(h.Cells, [3]int64{*x, *y, n})
				h.N += n
				h.Most = max(h.Most, n)
			}
			return nil
		})
	})
	return h, err
}

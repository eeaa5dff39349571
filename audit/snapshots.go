package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
)

// Snapshot is a picture of a crossing that was kept when it was counted.
type Snapshot struct {
	At     time.Duration // position in the source
	Box    event.Box     // of the object, in pixels of the frame; empty where it was not detected
	Region event.Box     // the part of the frame that the picture shows
	Frame  event.Size
	JPEG   []byte
}

// Snapshots returns the pictures of a crossing, before, at and after it.
func (p *Population) Snapshots(ctx context.Context, db *pgxpool.Pool, u Unit) ([]Snapshot, error) {
	run := p.Runs[u.Run]
	rows, err := db.Query(ctx, `SELECT captured_at, box, region, frame_width, frame_height, jpeg FROM v_snapshots
		WHERE run_id = $1 AND track_id = $2 AND crossing_seq = $3 ORDER BY step`, run.ID, u.TrackID, u.Seq)
	if err != nil {
		return nil, fmt.Errorf("read the pictures of a crossing: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s Snapshot, err error) {
		var at time.Time
		var box, region []float32
		err = r.Scan(&at, &box, &region, &s.Frame.Width, &s.Frame.Height, &s.JPEG)
		s.At = at.Sub(run.Began)
		copy(s.Box[:], box)
		copy(s.Region[:], region)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the pictures of a crossing: %w", err)
	}
	return all, nil
}

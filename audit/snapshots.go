package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
)

// Snapshot is a picture that was kept: of a crossing when it was counted, or of a stretch.
type Snapshot struct {
	At     time.Duration // position in the source
	Box    event.Box     // of the object, in pixels of the frame; empty where it was not detected
	Region event.Box     // the part of the frame that the picture shows
	Frame  event.Size
	JPEG   []byte
}

// Snapshots returns the pictures of a crossing, before, at and after it, or those of a stretch.
func (p *Population) Snapshots(ctx context.Context, db *pgxpool.Pool, u Unit) ([]Snapshot, error) {
	run, track, number := p.Runs[u.Run], u.TrackID, u.Seq
	if u.Kind == Stretch {
		track, number = event.StretchTrack, u.number()
	}
	rows, err := db.Query(ctx, `SELECT captured_at, box, region, frame_width, frame_height, jpeg FROM v_snapshots
		WHERE run_id = $1 AND track_id = $2 AND crossing_seq = $3 ORDER BY step`, run.ID, track, number)
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
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
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	if u.Kind == Stretch { // of its audited part
		all = slices.DeleteFunc(all, func(s Snapshot) bool { return s.At < u.From || s.At > u.Until })
	}
	return all, nil
}

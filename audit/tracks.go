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

// Spot is where a track was, in pixels of the frame.
type Spot struct {
	At    time.Duration // position in the source
	Box   event.Box
	Frame event.Size
}

// Track is a counted crossing with the way of its track around it.
type Track struct {
	Kind  Kind // In or Out
	ID    int64
	At    time.Duration // of the crossing; if the track had left the picture by then, of its last spot
	Spots []Spot        // in the order of time
}

// Around is how long before and after a crossing its track is shown, and gone how long before it the track may
// have left the picture, which completes a crossing at the edge.
const (
	Around = 2 * time.Second
	gone   = 10 * time.Second
)

// Tracks returns the crossings to show in the pictures of a unit: itself, or those that were counted in
// a stretch.
func (p *Population) Tracks(ctx context.Context, db *pgxpool.Pool, s *Subject, u Unit) (all []Track, err error) {
	for _, x := range slices.Concat(p.Units[In], p.Units[Out], p.unpictured) {
		switch {
		case x.Run != u.Run:
		case u == x, u.Kind == Stretch && x.From >= u.From-Around && x.From <= u.Until+Around:
			t, err := p.track(ctx, db, s, x)
			if err != nil {
				return nil, fmt.Errorf("read track %d: %w", x.TrackID, err)
			}
			all = append(all, t)
		}
	}
	return all, nil
}

func (p *Population) track(ctx context.Context, db *pgxpool.Pool, s *Subject, x Unit) (Track, error) {
	run := p.Runs[x.Run]
	t := Track{Kind: x.Kind, ID: x.TrackID, At: x.From}
	rows, err := db.Query(ctx, `
		SELECT d.captured_at, d.x1, d.y1, d.x2, d.y2, s.width, s.height
		FROM detections d JOIN sightings s USING (camera_id, captured_at, run_id, seq)
		WHERE d.camera_id = $1 AND d.run_id = $2 AND d.captured_at BETWEEN $3 AND $4 AND d.track_id = $5 ORDER BY d.seq`,
		s.CameraID, run.ID, run.Began.Add(x.From-Around-gone), run.Began.Add(x.From+Around), x.TrackID)
	if err != nil {
		return t, err
	}
	var spot Spot
	var at time.Time
	box, frame := &spot.Box, &spot.Frame
	_, err = pgx.ForEachRow(rows, []any{&at, &box[0], &box[1], &box[2], &box[3], &frame.Width, &frame.Height}, func() error {
		spot.At = at.Sub(run.Began)
		t.Spots = append(t.Spots, spot)
		return nil
	})
	t.trim()
	return t, err
}

// trim removes the spots that are not around the crossing.
func (t *Track) trim() {
	if n := len(t.Spots); n > 0 && t.Spots[n-1].At < t.At {
		t.At = t.Spots[n-1].At
	}
	t.Spots = slices.DeleteFunc(t.Spots, func(s Spot) bool { return (s.At - t.At).Abs() > Around })
}

// Nearest returns the spot of a moment; ok is false where the track has none within 0.3 s of it.
func (t *Track) Nearest(at time.Duration) (spot Spot, ok bool) {
	best := 300*time.Millisecond + 1
	for _, s := range t.Spots {
		if d := (s.At - at).Abs(); d < best {
			best, spot, ok = d, s, true
		}
	}
	return spot, ok
}

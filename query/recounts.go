package query

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/internal/natural"
)

// Recount is a past that was counted again with other zones and lines, beside what was counted at
// the time.
type Recount struct {
	ID        int32     `json:"id"` // for the parameter recount
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	MadeAt    time.Time `json:"made_at"`
	Cameras   []string  `json:"cameras"`
	OwnTracks bool      `json:"own_tracks"` // objects were tracked anew: there are no pictures and paths of them
}

// RecountsOf returns the recounts that are complete, the newest first.
func RecountsOf(ctx context.Context, db *pgxpool.Pool) ([]Recount, error) {
	rows, err := db.Query(ctx, `SELECT n.id, n.since, n.until, n.made_at, ARRAY(SELECT DISTINCT c.name FROM definitions d JOIN cameras c ON c.id = d.camera_id
    WHERE d.recount_id = n.id ORDER BY 1), n.score IS NOT NULL FROM recounts n WHERE n.finished_at IS NOT NULL ORDER BY n.id DESC`)
	if err != nil {
		return nil, asked(ctx, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Recount])
	for i := range all {
		r := &all[i]
		r.Since, r.Until, r.MadeAt = r.Since.UTC(), r.Until.UTC(), r.MadeAt.UTC()
		natural.Sort(r.Cameras)
	}
	return all, asked(ctx, err)
}

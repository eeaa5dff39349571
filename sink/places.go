package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Place is a room or building with the lines that count into it.
type Place struct {
	Name     string
	Lines    []PlaceLine
	Reset    time.Duration // since midnight
	TZ       string
	Label    string // of the crossings that count
	Capacity int32  // 0: nothing is said
}

// PlaceLine is a line of a camera. If it is reversed, its direction in leads out of the
// place.
type PlaceLine struct {
	Camera, Line string
	Reversed     bool
}

// StorePlaces stores these places instead of those in the tables. They are how crossings
// are added up, so they apply to those of all times. A time zone that the database does not
// know is a *usage.Error, and nothing is changed.
func StorePlaces(ctx context.Context, pool *pgxpool.Pool, places []Place) error {
	return replaceRows(ctx, pool, "places", func(tx pgx.Tx, b *pgx.Batch) error {
		names := make([]string, len(places))
		for i, p := range places {
			names[i] = p.Name
			if err := checkTimeZone(ctx, tx, "place "+p.Name, p.TZ); err != nil {
				return err
			}
		}
		b.Queue("DELETE FROM places WHERE name <> ALL ($1)", names)
		b.Queue("DELETE FROM place_lines")
		for _, p := range places {
			p.queue(b)
		}
		return nil
	})
}

// replaceRows sends the statements that queue adds, in a transaction that has the table for
// itself: several sinks may start at once. An error of queue ends it.
func replaceRows(ctx context.Context, pool *pgxpool.Pool, table string, queue func(tx pgx.Tx, b *pgx.Batch) error) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE "+table+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		b := new(pgx.Batch)
		if err := queue(tx, b); err != nil {
			return err
		}
		return sendIn(ctx, tx, b)
	})
	if err != nil && !usage.Is(err) {
		return fmt.Errorf("store the rows of %s: %w", table, err)
	}
	return err
}

// queue adds the statements that insert or replace the place.
func (p *Place) queue(b *pgx.Batch) {
	var capacity *int32
	if p.Capacity > 0 {
		capacity = &p.Capacity
	}
	b.Queue(`INSERT INTO places (name, reset_at, tz, label, capacity) VALUES ($1, time '00:00' + $2::bigint * interval '1 us', $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET reset_at = excluded.reset_at, tz = excluded.tz, label = excluded.label, capacity = excluded.capacity`,
		p.Name, p.Reset.Microseconds(), p.TZ, p.Label, capacity)
	for _, l := range p.Lines {
		b.Queue("INSERT INTO place_lines SELECT id, $2, $3, $4 FROM places WHERE name = $1", p.Name, l.Camera, l.Line, l.Reversed)
	}
}

package query

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// DayOf returns the figures of a day ("2026-11-27", or "" for the present one) in the
// filter's time zone, for its camera, zone and line. now is the present time.
func DayOf(ctx context.Context, db *pgxpool.Pool, f Filter, day string, now time.Time) (*Day, error) {
	if day != "" {
		if at, err := time.Parse(time.DateOnly, day); err != nil || at.Year() < 1970 || at.Year() > 2200 {
			return nil, usage.New("give a date as 2026-11-27", "--day %q", day)
		}
	}
	var d *Day
	err := f.snapshot(ctx, db, func(tx pgx.Tx) error {
		q := &dayQuery{ctx: ctx, tx: tx, f: f}
		if err := q.bounds(day, now); err != nil {
			return err
		}
		for _, ask := range []func() error{
			q.staff, q.minutes, q.cameras, q.newest, q.tracks, q.crossings, q.past, q.zones, q.visits, q.queue, q.places,
		} {
			if err := ask(); err != nil {
				return err
			}
		}
		d = q.day()
		return nil
	})
	return d, err
}

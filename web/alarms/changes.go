package alarms

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/events"
)

// lookEvery is the time between two looks for changes.
const lookEvery = time.Second

// recent are the alarms that a look compares: the newest, and those that are not over.
const recent = `WHERE a.seq > (SELECT coalesce(max(seq), 0) FROM alarms) - 200 OR a.ended_at IS NULL ORDER BY a.began_at, a.seq LIMIT 1000`

// Events returns the source of the events of alarms: each that begins, ends, is acknowledged or
// delivered, as the list has it. The table is looked at while somebody listens.
func Events(db *answer.Database) events.Source {
	return events.Source{Kind: "alarm", Run: func(ctx context.Context, publish func(camera string, data any)) {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		var known map[string]string // as they were at the last look, by id; nil before the first
		for {
			if all, err := newest(ctx, db); err == nil { // else the next look tells
				known = tell(known, all, publish)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}}
}

// tell publishes the alarms that are not as they were, and returns how all are.
func tell(known map[string]string, all []Alarm, publish func(string, any)) map[string]string {
	now := make(map[string]string, len(all))
	for i := range all {
		a := &all[i]
		text, err := json.Marshal(a)
		if err != nil {
			continue // it has nothing that cannot be encoded
		}
		now[a.ID] = string(text)
		if known == nil || known[a.ID] == now[a.ID] {
			continue
		}
		camera := ""
		if a.Camera != nil {
			camera = *a.Camera
		}
		publish(camera, a)
	}
	return now
}

func newest(ctx context.Context, db *answer.Database) (all []Alarm, err error) {
	err = db.Ask(ctx, func(ctx context.Context, pool *pgxpool.Pool) error {
		rows, err := pool.Query(ctx, columns+recent)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Alarm, error) {
			var seq int64
			return scan(row, &seq)
		})
		return err
	})
	return all, err
}

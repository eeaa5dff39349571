package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
)

// EachSighting calls each with the sightings of a camera that are in the tables, those of a
// run after those of the runs before it, in the order of their frames. Each has the run's id.
func EachSighting(ctx context.Context, pool *pgxpool.Pool, camera string, since, until time.Time, each func(*event.Sighting) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT c.id, r.id, r.run FROM cameras c JOIN camera_minutes m ON m.camera_id = c.id JOIN runs r ON r.id = m.run_id
			WHERE c.name = $1 AND m.minute >= $2 AND m.minute < $3 ORDER BY 2`, camera, since.Truncate(time.Minute), until)
		if err != nil {
			return err
		}
		type runOf struct {
			Camera, Run int32
			ID          string
		}
		runs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[runOf])
		if err != nil {
			return err
		}
		for _, run := range runs {
			labels, err := labelsOf(ctx, tx, run.Run)
			if err != nil {
				return err
			}
			rows, err := tx.Query(ctx, sightingsOfRun, run.Camera, run.Run, since, until)
			if err != nil {
				return err
			}
			if err := eachSighting(rows, labels, func(s *event.Sighting) error {
				s.Camera, s.Run = camera, run.ID
				return each(s)
			}); err != nil {
				return fmt.Errorf("read the sightings of camera %s: %w", camera, err)
			}
		}
		return nil
	})
}

// labelsOf returns the labels of a run's classes.
func labelsOf(ctx context.Context, db querier, run int32) (map[int16]string, error) {
	rows, err := db.Query(ctx, "SELECT class_id, label FROM classes WHERE run_id = $1", run)
	if err != nil {
		return nil, err
	}
	labels := make(map[int16]string)
	var class int16
	var label string
	_, err = pgx.ForEachRow(rows, []any{&class, &label}, func() error { labels[class] = label; return nil })
	return labels, err
}

const sightingsOfRun = `SELECT captured_at, seq, pts_us, width, height, class_ids, boxes, track_ids, states FROM sightings
	WHERE camera_id = $1 AND run_id = $2 AND captured_at >= $3 AND captured_at < $4 ORDER BY seq`

// eachSighting calls each with the sightings of rows of sightingsOfRun.
func eachSighting(rows pgx.Rows, labels map[int16]string, each func(*event.Sighting) error) error {
	var at time.Time
	var classes []int16
	var boxes []float32
	var tracks []*int32
	var marks []byte
	var g event.Sighting
	columns := []any{&at, &g.Seq, &g.PTS, &g.Frame.Width, &g.Frame.Height, &classes, &boxes, &tracks, &marks}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		s := g
		s.CapturedAt = event.At(at)
		s.Objects = make([]event.Object, len(classes))
		for i, class := range classes {
			b := boxes[5*i:]
			s.Objects[i] = event.Object{Index: i, ClassID: int(class), Label: labels[class], Score: b[4], Box: event.Box{b[0], b[1], b[2], b[3]}}
			if marks != nil {
				s.Objects[i].State = states[marks[i]]
			}
			if tracks != nil && tracks[i] != nil {
				id := int64(*tracks[i])
				s.Objects[i].TrackID = &id
			}
		}
		return each(&s)
	})
	return err
}

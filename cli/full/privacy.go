package full

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/preview"
)

// surelyStored is the score from which a detection in the tables has its head where a head is.
const surelyStored = 0.5

// around is how far from a picture the tables are asked for people.
const around = time.Second

// storedVeil returns what to hide in a frame of a run, which began at began, from the detections in
// the tables: those of the frame or of the frames before and after it, and of people who were seen
// within a second before. Where the tables know of no frame near it, all is hidden.
func storedVeil(ctx context.Context, db *pgxpool.Pool, mode preview.Privacy, run int32, at time.Time, frame event.Size) (*preview.Veil, error) {
	guard := preview.NewGuard(mode, surelyStored, nil)
	if guard == nil {
		return nil, nil
	}
	rows, err := db.Query(ctx, `
		SELECT captured_at, boxes FROM sightings
		WHERE camera_id = (SELECT camera_id FROM runs WHERE id = $1) AND run_id = $1 AND captured_at BETWEEN $2 AND $3 ORDER BY captured_at`,
		run, at.Add(-around), at.Add(around))
	if err != nil {
		return nil, fmt.Errorf("read the people of a picture: %w", err)
	}
	var people []event.Object // of the last frame before the picture, and of the first after it
	var captured time.Time
	var boxes []float32
	found := false
	done := false
	_, err = pgx.ForEachRow(rows, []any{&captured, &boxes}, func() error {
		if done {
			return nil
		}
		objects := storedPeople(boxes)
		if found = true; captured.After(at) {
			done = true
			people = append(people, objects...)
			return nil
		}
		people = objects
		guard.Veil(people, frame, captured.Sub(at))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the people of a picture: %w", err)
	}
	if !found {
		people = []event.Object{{Label: "person", Box: event.Box{0, 0, float32(frame.Width), float32(frame.Height)}}}
	}
	return guard.Veil(people, frame, 0), nil
}

// storedPeople returns the detections of a row of sightings as people, whatever their class.
func storedPeople(boxes []float32) (all []event.Object) {
	for ; len(boxes) >= 5; boxes = boxes[5:] { // the fifth is the score
		all = append(all, event.Object{Label: "person", Box: event.Box(boxes[:4]), Score: boxes[4]})
	}
	return all
}

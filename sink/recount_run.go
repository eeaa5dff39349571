package sink

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/event"
)

// recountRun is a run that is to be counted.
type recountRun struct {
	Camera, Run int32
	Frames      int64
}

// runs returns the runs that are not counted yet, and adds up their frames.
func (w *recount) runs(ctx context.Context) ([]recountRun, error) {
	cameras := make([]int32, 0, len(w.byID))
	for id := range w.byID {
		cameras = append(cameras, id)
	}
	rows, err := w.Pool.Query(ctx, `SELECT camera_id, run_id, sum(frames)::bigint FROM camera_minutes
		WHERE camera_id = ANY ($1) AND minute >= $2 AND minute < $3 AND run_id <> ALL ($4) GROUP BY 1, 2 ORDER BY 1, 2`,
		cameras, w.Since.Truncate(time.Minute), w.upto, w.counted)
	if err != nil {
		return nil, err
	}
	runs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[recountRun])
	for _, r := range runs {
		w.frames += r.Frames
	}
	return runs, err
}

// count counts a run. It begins before Since where tracks do, for the sides of lines on
// which they were.
func (w *recount) count(ctx context.Context, run recountRun) error {
	camera := w.byID[run.Camera]
	counter, err := camera.New(w.Score)
	if err != nil {
		return err
	}
	labels, err := labelsOf(ctx, w.Pool, run.Run)
	if err != nil {
		return err
	}
	windows, err := w.windows(ctx, run)
	if err != nil {
		return err
	}
	var counted int64
	for _, at := range windows {
		sightings, err := w.sightings(ctx, run, at, labels)
		if err != nil {
			return err
		}
		n, err := w.write(ctx, run, sightings, counter)
		if err != nil {
			return err
		}
		counted += n
		w.progress(camera.Name, at)
	}
	return w.end(ctx, run, counter, counted)
}

func (w *recount) progress(camera string, at recountWindow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !at.from.Before(w.Since.Truncate(time.Minute)) {
		w.done = min(w.done+at.frames, w.frames)
	}
	if w.Progress != nil {
		w.Progress(RecountProgress{Camera: camera, Until: at.until, Done: w.done, Frames: w.frames})
	}
}

// recountWindow is a part of a run.
type recountWindow struct {
	from, until time.Time
	frames      int64
}

// windows returns the parts of a run in the order of its frames: minutes, several of them
// together as far as RecountConfig.Window allows, unless the clock was set back in the run.
func (w *recount) windows(ctx context.Context, run recountRun) (all []recountWindow, err error) {
	from := w.Since
	if err := w.Pool.QueryRow(ctx, `SELECT least($2, min(first_at)) FROM tracks
		WHERE run_id = $1 AND first_at < $2 AND last_at >= $2 - interval '10 s'`,
		run.Run, w.Since).Scan(&from); err != nil {
		return nil, err
	}
	rows, err := w.Pool.Query(ctx, `SELECT minute, frames::bigint FROM camera_minutes
		WHERE camera_id = $1 AND run_id = $2 AND minute >= $3 AND minute < $4 ORDER BY first_seq, minute`,
		run.Camera, run.Run, from.Truncate(time.Minute), w.upto)
	if err != nil {
		return nil, err
	}
	type minute struct {
		At     time.Time
		Frames int64
	}
	minutes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[minute])
	if err != nil {
		return nil, err
	}
	inOrder := slices.IsSortedFunc(minutes, func(a, b minute) int { return a.At.Compare(b.At) })
	for _, m := range minutes {
		end := m.At.Add(time.Minute)
		if n := len(all); n > 0 && inOrder && all[n-1].frames+m.Frames <= w.Window {
			all[n-1].until, all[n-1].frames = end, all[n-1].frames+m.Frames
		} else {
			all = append(all, recountWindow{m.At, end, m.Frames})
		}
	}
	for i := range all {
		if all[i].from.Before(from) {
			all[i].from = from
		}
		if all[i].until.After(w.upto) {
			all[i].until = w.upto
		}
	}
	return all, nil
}

// sightings reads a run's sightings in the order of their frames.
func (w *recount) sightings(ctx context.Context, run recountRun, at recountWindow, labels map[int16]string) (all []sightingRow, err error) {
	rows, err := w.Pool.Query(ctx, sightingsOfRun, run.Camera, run.Run, at.from, at.until)
	if err != nil {
		return nil, err
	}
	err = eachSighting(rows, labels, func(s *event.Sighting) error {
		all = append(all, sightingRow{Sighting: s, camera: run.Camera, run: run.Run})
		return nil
	})
	return all, err
}

// write counts sightings, adds them to the recount's tables, and returns how many are
// from Since on.
func (w *recount) write(ctx context.Context, run recountRun, sightings []sightingRow, counter Counter) (int64, error) {
	var crossings []crossingRow
	counted := make([]sightingRow, 0, len(sightings))
	for _, s := range sightings {
		crossings = append(crossings, w.crossings(counter.Count(s.Sighting), run)...)
		if !s.CapturedAt.Before(w.Since) {
			counted = append(counted, s)
		}
	}
	b := new(pgx.Batch)
	crossingTable.queue(b, crossings)
	totals := totalsOf(counted)
	if w.Score > 0 {
		totals.queueTracks(b, trackTable)
	}
	totals.queueZones(b, insertVisits)
	if b.Len() == 0 {
		return int64(len(counted)), nil
	}
	return int64(len(counted)), w.step(ctx, func(tx pgx.Tx) error {
		var one int
		return tx.QueryRow(ctx, "SELECT 1 FROM recounts WHERE id = $1 AND attempt = $2 FOR SHARE", w.id, w.attempt).Scan(&one)
	}, b)
}

// step runs statements on the recount's tables in a transaction that begins with ours, which
// finds the row of our attempt and locks it. No commit is waited for: what a crash of
// the server takes away, it takes from done of recounts too.
func (w *recount) step(ctx context.Context, ours func(pgx.Tx) error, b *pgx.Batch) error {
	return pgx.BeginFunc(ctx, w.Pool, func(tx pgx.Tx) error {
		if err := ours(tx); err != nil {
			return w.taken(err)
		}
		if b.Len() == 0 {
			return nil
		}
		if err := w.searchPath(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
			return err
		}
		return sendIn(ctx, tx, b)
	})
}

// crossings returns the rows of crossings from Since on.
func (w *recount) crossings(all []event.Crossing, run recountRun) (rows []crossingRow) {
	for i := range all {
		if !all[i].CapturedAt.Before(w.Since) {
			rows = append(rows, crossingRow{&all[i], run.Camera, run.Run})
		}
	}
	return rows
}

// end counts what the end of a run completes, where it has one before upto, and marks it
// as counted.
func (w *recount) end(ctx context.Context, run recountRun, counter Counter, counted int64) error {
	b := new(pgx.Batch)
	return w.step(ctx, func(tx pgx.Tx) error {
		var ended bool
		err := tx.QueryRow(ctx, `UPDATE recounts SET done = done || $3::integer, sightings = sightings + $4 WHERE id = $1 AND attempt = $2
			RETURNING (SELECT finished_at IS NOT NULL FROM runs WHERE id = $3::integer) AND NOT EXISTS (SELECT FROM sightings s
				WHERE s.camera_id = $5 AND s.run_id = $3::integer AND s.captured_at >= $6)`,
			w.id, w.attempt, run.Run, counted, run.Camera, w.upto).Scan(&ended)
		if ended {
			crossingTable.queue(b, w.crossings(counter.End(), run))
		}
		return err
	}, b)
}

package bench

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/pipeline"
)

// window is the measured part of a round: the frames that were due in it.
type window struct {
	from, to time.Time
	interval time.Duration // between two frames of a camera
}

// readFrames reads the frames of these runs: those that were due in the window, and in the
// histogram WarmUp those that were due before it.
func readFrames(ctx context.Context, db *pgxpool.Pool, runs []string, w window) (r result.Round, err error) {
	r = result.Round{Seconds: w.to.Sub(w.from).Seconds(), Values: make(map[string]float64), Histograms: make(map[string]*result.Histogram)}
	for _, s := range result.Spans {
		r.Histograms[s.Name] = result.NewHistogram()
	}
	rows, err := db.Query(ctx, `
SELECT s.captured_at, s.grabbed_at, s.decoded_at, s.inferred_at, s.produced_at, b.fetched_at, b.committed_at
FROM sightings s LEFT JOIN batches b USING (batch_id) WHERE s.run_id IN (SELECT id FROM runs WHERE run = ANY($1))`, runs)
	if err != nil {
		return r, fmt.Errorf("read the frames: %w", err)
	}
	defer rows.Close()
	first, last := result.NewHistogram(), result.NewHistogram() // due→committed by quarter
	for rows.Next() {
		var due time.Time
		var at [6]*time.Time // grabbed, decoded, inferred, produced, fetched, committed
		if err := rows.Scan(&due, &at[0], &at[1], &at[2], &at[3], &at[4], &at[5]); err != nil {
			return r, fmt.Errorf("read the frames: %w", err)
		}
		observe(&r, w, due, at)
		if committed := at[5]; committed != nil {
			switch part := due.Sub(w.from).Seconds() / w.to.Sub(w.from).Seconds(); {
			case part >= 0 && part < .25:
				first.Add(committed.Sub(due))
			case part >= .75 && part < 1:
				last.Add(committed.Sub(due))
			}
		}
	}
	r.Values[result.Drift] = last.Quantile(.5) - first.Quantile(.5)
	if err := rows.Err(); err != nil {
		return r, fmt.Errorf("read the frames: %w", err)
	}
	return r, nil
}

// stages are the spans between two of the times that observe gets, and the one before.
var stages = [...]string{result.Wait, result.Decode, result.Infer, result.Produce, result.Fetch, result.Commit}

// observe counts one frame: when it was due, grabbed, decoded, inferred, produced, fetched
// and committed; nil is not known.
func observe(r *result.Round, w window, due time.Time, at [6]*time.Time) {
	add := func(name string, from, to *time.Time) {
		if from != nil && to != nil {
			r.Histograms[name].Add(to.Sub(*from))
		}
	}
	grabbed, committed := at[0], at[5]
	switch {
	case due.Before(w.from):
		add(result.WarmUp, &due, committed)
		return
	case !due.Before(w.to):
		return
	}
	r.Frames++
	if grabbed != nil && w.interval > 0 && grabbed.Sub(due) > w.interval {
		r.Late++
	}
	add(result.DueCommitted, &due, committed)
	add(result.GrabbedCommitted, grabbed, committed)
	before := &due
	for i, name := range stages {
		add(name, before, at[i])
		before = at[i]
	}
}

// correctness compares what was sent with what is there. Of a run that was stopped, frames
// that the log has not acknowledged are not missing.
func correctness(ctx context.Context, db *pgxpool.Pool, cams []pipeline.CameraStatus, cfg Config, cut bool) (c result.Correctness, err error) {
	byRun := make(map[string]pipeline.CameraStatus, len(cams))
	for _, cam := range cams {
		byRun[cam.Run] = cam
	}
	rows, err := db.Query(ctx, `
SELECT r.run, count(s.seq), count(DISTINCT s.seq), coalesce(max(s.seq) + 1, 0), count(*) FILTER (WHERE s.committed_at < s.before)
FROM runs r LEFT JOIN (
    SELECT run_id, seq, committed_at,
           max(committed_at) OVER (PARTITION BY run_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM sightings LEFT JOIN batches USING (batch_id)
) s ON s.run_id = r.id WHERE r.run = ANY($1) GROUP BY r.run`, runsOf(cams))
	if err != nil {
		return c, fmt.Errorf("compare the rows: %w", err)
	}
	defer rows.Close()
	stored := make(map[string]int64)
	for rows.Next() {
		var run string
		var n, distinct, length, disorder int64
		if err := rows.Scan(&run, &n, &distinct, &length, &disorder); err != nil {
			return c, fmt.Errorf("compare the rows: %w", err)
		}
		stored[run] = n
		c.Stored += n
		c.Duplicates += n - distinct
		c.Disorder += disorder
		if cam := byRun[run]; !cam.Live && cam.Skipped == 0 && cam.Failed == 0 && !cfg.Detect.SkipEmpty {
			c.Missing += length - distinct
		}
	}
	for _, cam := range cams {
		sent := cam.Sent
		if n := stored[cam.Run]; cut && n >= cam.Acked && n <= sent {
			sent = n
		}
		c.Sent += sent
		if due := cam.Total; !cut && cfg.FPS > 0 && cfg.Duration > 0 && !cam.Live && cam.Frames+cam.Skipped+cam.Failed != due {
			c.Problems = append(c.Problems, fmt.Sprintf("%s: %d of %d frames that were due were processed", cam.ID, cam.Frames+cam.Skipped+cam.Failed, due))
		}
	}
	return c, rows.Err()
}

// tableBytes is the size of the rows of frames, with their indexes.
func tableBytes(ctx context.Context, db *pgxpool.Pool) (n int64, err error) {
	err = db.QueryRow(ctx, `
SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits
WHERE inhparent IN ('sightings'::regclass, 'detections'::regclass)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("measure the tables: %w", err)
	}
	return n, nil
}

// treeBytes is the size of all files below a directory.
func treeBytes(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		st, err := e.Info()
		if err == nil {
			n += st.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure the log: %w", err)
	}
	return n, nil
}

func runsOf(cams []pipeline.CameraStatus) []string {
	runs := make([]string, len(cams))
	for i, c := range cams {
		runs[i] = c.Run
	}
	return runs
}

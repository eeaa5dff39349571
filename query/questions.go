package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Filter narrows a question. Its zero value narrows nothing.
type Filter struct {
	Camera string
	Run    string
	Since  time.Time // of captured_at, inclusive
	Until  time.Time // of captured_at, exclusive
}

// where returns the filter as SQL on sightings s, cameras c and runs r, and
// its arguments.
func (f Filter) where() (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	if f.Camera != "" {
		add("c.name = $%d", f.Camera)
	}
	if f.Run != "" {
		add("r.run = $%d", f.Run)
	}
	if !f.Since.IsZero() {
		add("s.captured_at >= $%d", f.Since)
	}
	if !f.Until.IsZero() {
		add("s.captured_at < $%d", f.Until)
	}
	if len(conds) == 0 {
		return "true", nil
	}
	return strings.Join(conds, " AND "), args
}

// known makes sure that the camera and the run that are asked for exist, so
// that an empty answer means that nothing was seen.
func (f Filter) known(ctx context.Context, db *pgxpool.Pool) error {
	for _, q := range []struct{ name, value, all string }{
		{"--camera", f.Camera, "SELECT name FROM cameras ORDER BY 1 LIMIT 20"},
		{"--run", f.Run, "SELECT run FROM runs ORDER BY id DESC LIMIT 20"},
	} {
		if q.value == "" {
			continue
		}
		table, column := "cameras", "name"
		if q.name == "--run" {
			table, column = "runs", "run"
		}
		var there bool
		if err := db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+" WHERE "+column+" = $1)", q.value).Scan(&there); err != nil {
			return fmt.Errorf("ask the database: %w", err)
		}
		if there {
			continue
		}
		t, err := ask(ctx, db, q.all)
		if err != nil {
			return err
		}
		var names []string
		for _, row := range t.Rows {
			names = append(names, text(row[0]))
		}
		fix := "there is none yet"
		if len(names) > 0 {
			fix = "there is " + strings.Join(names, ", ")
		}
		return usage.New(fix, "%s %q is not in the database", q.name, q.value)
	}
	return nil
}

func (f Filter) ask(ctx context.Context, db *pgxpool.Pool, sql string) (*Table, error) {
	if err := f.known(ctx, db); err != nil {
		return nil, err
	}
	where, args := f.where()
	return ask(ctx, db, strings.ReplaceAll(sql, "{where}", where), args...)
}

// People counts by camera and minute (UTC): frames looked at, detections of
// any kind in them, the most people in one frame, and the mean over frames.
func People(ctx context.Context, db *pgxpool.Pool, f Filter) (*Table, error) {
	return f.ask(ctx, db, `
SELECT c.name AS camera, date_trunc('minute', s.captured_at, 'UTC') AS minute, count(*) AS frames,
       sum(s.objects) AS detections, max(s.people) AS max_people, round(avg(s.people), 2) AS avg_people
FROM sightings s JOIN cameras c ON c.id = s.camera_id JOIN runs r ON r.id = s.run_id
WHERE {where}
GROUP BY c.name, minute ORDER BY c.name, minute`)
}

// Latest is the last sighting of each camera by captured_at.
func Latest(ctx context.Context, db *pgxpool.Pool, f Filter) (*Table, error) {
	return f.ask(ctx, db, `
SELECT c.name AS camera, l.run, l.seq, l.captured_at, l.people, l.detections, l.model
FROM cameras c CROSS JOIN LATERAL (
    SELECT r.run, s.seq, s.captured_at, s.people, s.objects AS detections, r.model
    FROM sightings s JOIN runs r ON r.id = s.run_id
    WHERE s.camera_id = c.id AND {where}
    ORDER BY s.captured_at DESC LIMIT 1) l
ORDER BY c.name`)
}

// Latency is how long each stage of the way took, over all sightings that tell
// it: decode (frame grabbed to decoded), infer, produce (to its handing to the
// log), fetch (to a sink), commit, and end_to_end (grabbed to commit
// acknowledged, that is, visible to others). Milliseconds, interpolated.
func Latency(ctx context.Context, db *pgxpool.Pool, f Filter) (*Table, error) {
	return f.ask(ctx, db, `
SELECT stage, count(ms) AS n,
       round(percentile_cont(0.50) WITHIN GROUP (ORDER BY ms)::numeric, 3) AS p50_ms,
       round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 3) AS p95_ms,
       round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 3) AS p99_ms
FROM sightings s
JOIN cameras c ON c.id = s.camera_id JOIN runs r ON r.id = s.run_id
LEFT JOIN batches b ON b.batch_id = s.batch_id
CROSS JOIN LATERAL (VALUES
    (1, 'decode', s.grabbed_at, s.decoded_at), (2, 'infer', s.decoded_at, s.inferred_at),
    (3, 'produce', s.inferred_at, s.produced_at), (4, 'fetch', s.produced_at, b.fetched_at),
    (5, 'commit', b.fetched_at, b.committed_at), (6, 'end_to_end', s.grabbed_at, b.committed_at)
) AS v(place, stage, began, ended)
CROSS JOIN LATERAL (SELECT 1000 * extract(epoch FROM v.ended - v.began)::double precision AS ms) AS d
WHERE {where}
GROUP BY place, stage ORDER BY place`)
}

package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
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

// where returns the filter as SQL on a table s with their columns, and its
// arguments.
func (f Filter) where() (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	if f.Camera != "" {
		add("s.camera_id = (SELECT id FROM cameras WHERE name = $%d)", f.Camera)
	}
	if f.Run != "" {
		add("s.run_id IN (SELECT id FROM runs WHERE run = $%d)", f.Run)
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
		rows, err := db.Query(ctx, q.all)
		if err != nil {
			return fmt.Errorf("ask the database: %w", err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("ask the database: %w", err)
		}
		fix := "there is none yet"
		if len(names) > 0 {
			fix = "there is " + strings.Join(names, ", ")
		}
		return usage.New(fix, "%s %q is not in the database", q.name, q.value)
	}
	return nil
}

// Question is a question of the tables. Answer asks it.
type Question struct {
	sql    string
	filter Filter // stands for {where} in sql
	own    bool   // sql is a user's own statement
}

// SQL is one statement of a user's own.
func SQL(statement string) Question { return Question{sql: statement, own: true} }

// People counts by camera and minute (UTC): frames looked at, detections of
// any kind in them, the most people in one frame, and the mean over frames.
func People(f Filter) Question {
	return Question{filter: f, sql: `
SELECT c.name AS camera, m.minute, m.frames, m.detections, m.max_people, m.avg_people
FROM (SELECT s.camera_id, date_trunc('minute', s.captured_at) AS minute, count(*) AS frames,
             sum(s.objects) AS detections, max(s.people) AS max_people, round(avg(s.people), 2) AS avg_people
      FROM sightings s WHERE {where} GROUP BY 1, 2) m
JOIN cameras c ON c.id = m.camera_id
ORDER BY c.name, m.minute`}
}

// Crossings counts by camera, minute (UTC), line and direction.
func Crossings(f Filter) Question {
	return Question{filter: f, sql: `
SELECT c.name AS camera, m.minute, m.line, m.direction, m.n
FROM (SELECT s.camera_id, date_trunc('minute', s.captured_at) AS minute, s.line, s.direction, count(*) AS n
      FROM crossings s WHERE {where} GROUP BY 1, 2, 3, 4) m
JOIN cameras c ON c.id = m.camera_id
ORDER BY c.name, m.minute, m.line, m.direction`}
}

// Latest is the last sighting of each camera by captured_at.
func Latest(f Filter) Question {
	return Question{filter: f, sql: `
SELECT c.name AS camera, r.run, l.seq, l.captured_at, l.people, l.objects AS detections, r.model
FROM cameras c
CROSS JOIN LATERAL (SELECT * FROM sightings s WHERE s.camera_id = c.id AND {where} ORDER BY s.captured_at DESC LIMIT 1) l
JOIN runs r ON r.id = l.run_id
ORDER BY c.name`}
}

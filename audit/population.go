package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// Subject is what to audit: a line of a camera, as it was in a span of time.
type Subject struct {
	Camera       string
	Line         string // "" where the camera has one
	Since, Until time.Time
	Run          string // "" for all of that time
	Snapshots    bool   // judged on snapshots: only what has some, of live sources too

	CameraID int32
	Points   Line
}

// definition is a line of a run, as the tables have it.
type definition struct {
	Run
	line   string
	points []float64
}

// Find returns the runs in which the subject counted, the oldest first, and completes the
// subject. Without Snapshots runs of live sources, which cannot be read again, are left out.
func Find(ctx context.Context, db *pgxpool.Pool, s *Subject) ([]Run, error) {
	err := db.QueryRow(ctx, "SELECT id FROM cameras WHERE name = $1", s.Camera).Scan(&s.CameraID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, usage.New("sightlog query latest lists the cameras", "--camera %s is not in the database", s.Camera)
	}
	if err != nil {
		return nil, fmt.Errorf("find the camera: %w", err)
	}
	if err := s.bound(ctx, db); err != nil {
		return nil, fmt.Errorf("find the camera's frames: %w", err)
	}
	all, live, err := definitions(ctx, db, s)
	if err != nil {
		return nil, fmt.Errorf("find the runs: %w", err)
	}
	if len(all) == 0 {
		if s.Run != "" {
			return nil, usage.New("sightlog query sql 'select * from v_definitions' lists them", "--run %s of camera %s has no line in that time", s.Run, s.Camera)
		}
		if live > 0 {
			return nil, usage.New("an audit needs the pictures: run on the recording, give another time, or run with --snapshots on and audit with --snapshots",
				"camera %s counted from a live source in that time, which cannot be read again", s.Camera)
		}
		return nil, usage.New("give another --since and --until; sightlog query sql 'select * from v_definitions' lists lines with their times",
			"camera %s has no line in that time", s.Camera)
	}
	return s.choose(all)
}

// bound replaces a missing end of the span by that of the camera's totals.
func (s *Subject) bound(ctx context.Context, db *pgxpool.Pool) error {
	var first, last *time.Time
	err := db.QueryRow(ctx, "SELECT min(minute), max(minute) + interval '1 min' FROM camera_minutes WHERE camera_id = $1", s.CameraID).Scan(&first, &last)
	if s.Since.IsZero() && first != nil {
		s.Since = *first
	}
	if s.Until.IsZero() && last != nil {
		s.Until = *last
	}
	return err
}

// definitions returns the lines of the camera's runs in the span, and the number of runs of live sources.
func definitions(ctx context.Context, db *pgxpool.Pool, s *Subject) (all []definition, live int, err error) {
	rows, err := db.Query(ctx, `
		SELECT r.id, r.run, coalesce(r.source, ''), r.source_kind, coalesce(r.fingerprint, ''), r.stretches, d.name, d.points
		FROM runs r JOIN definitions d ON d.run_id = r.id AND d.kind = 'line'
		WHERE r.camera_id = $1 AND ($2 = '' OR r.run = $2) AND EXISTS (SELECT FROM camera_minutes m
			WHERE m.camera_id = r.camera_id AND m.run_id = r.id AND m.minute >= $3 AND m.minute < $4)
		ORDER BY r.id, d.name`, s.CameraID, s.Run, s.Since.Truncate(time.Minute), s.Until)
	if err != nil {
		return nil, 0, err
	}
	var d definition
	var kind event.SourceKind
	_, err = pgx.ForEachRow(rows, []any{&d.ID, &d.Name, &d.Source, &kind, &d.Fingerprint, &d.Stretches, &d.line, &d.points}, func() error {
		if kind.Live() && !s.Snapshots {
			live++
			return nil
		}
		found := d
		found.points = slices.Clone(d.points)
		all = append(all, found)
		return nil
	})
	return all, live, err
}

// choose returns the runs of the subject's line, which must be the same in all of them.
func (s *Subject) choose(all []definition) (runs []Run, err error) {
	var names []string
	for _, d := range all {
		if !slices.Contains(names, d.line) {
			names = append(names, d.line)
		}
	}
	slices.Sort(names)
	switch {
	case s.Line == "" && len(names) > 1:
		return nil, usage.New("add --line NAME", "camera %s has lines %s", s.Camera, strings.Join(names, ", "))
	case s.Line == "":
		s.Line = names[0]
	case !slices.Contains(names, s.Line):
		return nil, usage.New("it has "+strings.Join(names, ", "), "camera %s has no line %q in that time", s.Camera, s.Line)
	}
	var points []float64
	for _, d := range all {
		switch {
		case d.line != s.Line:
			continue
		case len(d.points) != 4:
			return nil, fmt.Errorf("line %s of run %s has %d coordinates", d.line, d.Name, len(d.points))
		case points != nil && !slices.Equal(points, d.points):
			return nil, usage.New("narrow it with --since, --until or --run; sightlog query sql 'select * from v_definitions' has the times",
				"line %s was moved in that time, and an audit is of one definition", s.Line)
		}
		points = d.points
		runs = append(runs, d.Run)
	}
	s.Points = Line{{points[0], points[1]}, {points[2], points[3]}}
	return runs, nil
}

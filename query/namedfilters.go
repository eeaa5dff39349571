package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/usage"
)

// namedFilters are the filters whose value is a name in the database, and the names that are
// there.
var namedFilters = []struct {
	flag  string
	value func(Filter) string
	names string
}{
	{"--camera", func(f Filter) string { return f.Camera }, "SELECT name FROM cameras ORDER BY 1"},
	{"--run", func(f Filter) string { return f.Run }, "SELECT run FROM runs ORDER BY id DESC"},
	{"--zone", func(f Filter) string { return f.Zone }, "SELECT unnest(zones) FROM zone_sets UNION SELECT name FROM definitions WHERE kind = 'zone' ORDER BY 1"},
	{"--line", func(f Filter) string { return f.Line }, "WITH RECURSIVE " + names("line", "crossing_minutes") + " SELECT line FROM line_names UNION SELECT name FROM definitions WHERE kind = 'line' ORDER BY 1"},
	{"--place", func(f Filter) string { return f.Place }, "SELECT name FROM places ORDER BY 1"},
	{"--class", Filter.label, "SELECT DISTINCT label FROM classes ORDER BY 1"},
	// PostgreSQL takes other texts, too, some with the opposite sign of what they look like.
	{"--tz", func(f Filter) string { return f.TZ }, `SELECT name FROM pg_timezone_names
		ORDER BY name NOT IN ('UTC', 'Europe/Berlin', 'Europe/London', 'America/New_York', 'Asia/Tokyo'), name`},
}

// ErrNoName is the cause of the error of a filter that names something that is not in the database.
var ErrNoName = errors.New("not in the database")

// seenZones are time zones that a database had: each look at its list takes a tenth of a
// second, and there are some hundred.
var seenZones sync.Map

// maxNames is how many of the names that are there an error lists.
const maxNames = 20

// CheckExists returns a *usage.Error, whose cause is ErrNoName, if a name of the filter is not in the database, so
// that an empty answer means that nothing was detected.
func (f Filter) CheckExists(ctx context.Context, db *pgxpool.Pool) error {
	for _, k := range namedFilters {
		value := k.value(f)
		if value == "" {
			continue
		}
		if _, seen := seenZones.Load(value); seen && k.flag == "--tz" {
			continue
		}
		var there bool
		if err := db.QueryRow(ctx, "SELECT $1 IN ("+k.names+")", value).Scan(&there); err != nil {
			return fmt.Errorf("ask the database: %w", err)
		}
		if there {
			if k.flag == "--tz" {
				seenZones.Store(value, nil)
			}
			continue
		}
		all, err := namesOf(ctx, db, k.names+" LIMIT $1", maxNames+1)
		if err != nil {
			return err
		}
		if k.flag == "--camera" {
			if all, err = cameraNames(ctx, db); err != nil {
				return err
			}
		}
		return usage.Wrap(ErrNoName, thereIs(all), "%s %q is not in the database", k.flag, value)
	}
	return nil
}

// CheckName returns a *usage.Error, whose cause is ErrNoName, unless a flag's value, if it has one, is
// among the names of a statement, or of more. Its texts name those that there are.
func CheckName(ctx context.Context, db *pgxpool.Pool, flag, value, sql string, more ...string) error {
	if value == "" || slices.Contains(more, value) {
		return nil
	}
	all, err := namesOf(ctx, db, sql)
	if err != nil || slices.Contains(all, value) {
		return err
	}
	all = slices.Compact(natural.Sorted(slices.Values(append(all, more...))))
	return usage.Wrap(ErrNoName, thereIs(all), "%s %q is neither in the database nor in the configuration", flag, value)
}

// CamerasOfAlarms and RulesOfAlarms are statements for CheckName: a rule may look at a camera that
// was never seen, and be gone.
const (
	CamerasOfAlarms = "SELECT name FROM cameras UNION SELECT camera FROM alarms WHERE camera IS NOT NULL"
	RulesOfAlarms   = "SELECT DISTINCT rule FROM alarms"
)

// cameraNames returns the names of the cameras, in their order.
func cameraNames(ctx context.Context, db *pgxpool.Pool) ([]string, error) {
	all, err := namesOf(ctx, db, "SELECT name FROM cameras")
	natural.Sort(all)
	return all, err
}

func namesOf(ctx context.Context, db *pgxpool.Pool, sql string, args ...any) ([]string, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	return all, nil
}

// recountSchema returns the schema of the filter's recount, quoted; "" without one.
func (f Filter) recountSchema(ctx context.Context, db *pgxpool.Pool) (schema string, err error) {
	if f.Recount == 0 {
		return "", nil
	}
	var complete bool
	err = db.QueryRow(ctx, "SELECT schema, finished_at IS NOT NULL FROM recounts WHERE id = $1", f.Recount).Scan(&schema, &complete)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", usage.Wrap(ErrNoName, "sightlog query sql 'SELECT * FROM recounts' lists them", "--recount %d is not in the database", f.Recount)
	}
	if err != nil {
		return "", fmt.Errorf("ask the database: %w", err)
	}
	if !complete {
		return "", usage.New(fmt.Sprintf("wait for it; or, if it was interrupted: sightlogd recount --resume %d", f.Recount), "--recount %d is not complete", f.Recount)
	}
	return pgx.Identifier{schema}.Sanitize(), nil
}

func thereIs(names []string) string {
	switch {
	case len(names) == 0:
		return "there is none yet"
	case len(names) > maxNames:
		return "there is " + strings.Join(names[:maxNames], ", ") + " and others"
	}
	return "there is " + strings.Join(names, ", ")
}

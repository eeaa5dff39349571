package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Compared is how far the crossings of a recount are from those that an audit found, at its
// items: of a crossing 2 seconds before and after it, of a stretch all of it.
type Compared struct {
	Recount int32    // 0: the crossings that were audited
	Score   *float32 // of the recount's tracker; nil: its tracks are those of the time
	MadeAt  *time.Time
	// Crossings too many or too few at the items with odd numbers, and at those with even
	// numbers. Items are in random order, so each half is a sample.
	Odd, Even int
}

// Comparison compares the recounts of an audit's time with its answers. The settings are
// chosen by one half of the answers and judged by the other, because the best of several is
// better on the answers that chose it than it is.
type Comparison struct {
	Camera, Line    string
	OddItems, Items int        // with a clear answer
	All             []Compared // the crossings that were audited first, then the recounts, oldest first
}

// Best returns the one with the fewest errors at the odd items; of equal ones the first.
func (c *Comparison) Best() Compared {
	return slices.MinFunc(c.All, func(a, b Compared) int { return cmp.Compare(a.Odd, b.Odd) })
}

// compareItems are an audit's items with the crossings that there were, as far as the answers
// tell: those that were counted, without the wrong and with the missed ones.
const compareItems = `
WITH items AS (
    SELECT i.item, a.camera_id, a.line, r.id AS run_id, i.kind, i.answer, i.from_at,
           coalesce(i.missed_in, 0) AS missed_in, coalesce(i.missed_out, 0) AS missed_out,
           CASE i.kind WHEN 'stretch' THEN i.from_at ELSE i.from_at - interval '2 s' END AS low,
           CASE i.kind WHEN 'stretch' THEN i.until_at ELSE i.from_at + interval '2 s' END AS high
    FROM audits a JOIN audit_answers i ON i.audit_id = a.id JOIN runs r ON r.camera_id = a.camera_id AND r.run = i.run
    WHERE a.id = $1 AND i.answer <> 'unclear'
), directions AS (
    SELECT i.*, d.direction, CASE WHEN i.kind = 'stretch' OR i.answer = 'right' THEN 0
                                  WHEN i.kind = d.direction THEN -1 WHEN i.answer = 'reversed' THEN 1 ELSE 0 END AS off
    FROM items i CROSS JOIN (VALUES ('in'), ('out')) d(direction)
), counts AS (
    SELECT i.item,
           (SELECT count(*) FROM %[1]s.crossings x WHERE x.camera_id = i.camera_id AND x.line = i.line AND x.run_id = i.run_id
                AND x.captured_at >= i.low AND x.captured_at < i.high AND x.direction = i.direction)
           + (SELECT coalesce(sum(k.off), 0) FROM directions k
              WHERE k.run_id = i.run_id AND k.from_at >= i.low AND k.from_at < i.high AND k.direction = i.direction)
           + CASE i.direction WHEN 'in' THEN i.missed_in ELSE i.missed_out END AS actual,
           (SELECT count(*) FROM %[2]s.crossings x WHERE x.camera_id = i.camera_id AND x.line = i.line AND x.run_id = i.run_id
                AND x.captured_at >= i.low AND x.captured_at < i.high AND x.direction = i.direction) AS counted
    FROM directions i
)
SELECT coalesce(sum(abs(actual - counted)) FILTER (WHERE mod(item, 2) = 1), 0),
       coalesce(sum(abs(actual - counted)) FILTER (WHERE mod(item, 2) = 0), 0),
       count(DISTINCT item) FILTER (WHERE mod(item, 2) = 1), count(DISTINCT item)
FROM counts`

// Compare compares recounts with the answers of audit id: those that counted its line in all
// of its time.
func Compare(ctx context.Context, db *pgxpool.Pool, id int32) (*Comparison, error) {
	c := new(Comparison)
	var answered bool
	var base string
	err := db.QueryRow(ctx, `SELECT c.name, a.line, a.answered_at IS NOT NULL, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'crossings'::regclass)
		FROM audits a JOIN cameras c ON c.id = a.camera_id WHERE a.id = $1`, id).Scan(&c.Camera, &c.Line, &answered, &base)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, usage.New("sightlog query audits lists them", "there is no audit %d", id)
	case err != nil:
		return nil, fmt.Errorf("read the audit: %w", err)
	case !answered:
		return nil, usage.New("store its answers first: --answers FILE", "audit %d has no answers", id)
	}
	rows, err := db.Query(ctx, `SELECT r.id, r.score, r.made_at, r.schema FROM recounts r JOIN audits a ON a.id = $1
		WHERE r.since <= a.since AND r.until >= a.until AND r.finished_at IS NOT NULL
		  AND EXISTS (SELECT FROM definitions d WHERE d.recount_id = r.id AND d.camera_id = a.camera_id AND d.kind = 'line' AND d.name = a.line)
		ORDER BY r.id`, id)
	if err != nil {
		return nil, fmt.Errorf("read the recounts: %w", err)
	}
	schemas := []string{base}
	c.All = []Compared{{}}
	var r Compared
	var schema string
	if _, err := pgx.ForEachRow(rows, []any{&r.Recount, &r.Score, &r.MadeAt, &schema}, func() error {
		schemas, c.All = append(schemas, pgx.Identifier{schema}.Sanitize()), append(c.All, r)
		r = Compared{}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read the recounts: %w", err)
	}
	if len(c.All) == 1 {
		return nil, usage.New("make one: sightlogd recount --config FILE, with --track-score S for other tracks", "no recount has counted line %s of camera %s in all of the time of audit %d", c.Line, c.Camera, id)
	}
	for i := range c.All {
		k := &c.All[i]
		statement := fmt.Sprintf(compareItems, schemas[0], schemas[i])
		if err := db.QueryRow(ctx, statement, id).Scan(&k.Odd, &k.Even, &c.OddItems, &c.Items); err != nil {
			return nil, fmt.Errorf("compare recount %d with the audit: %w", k.Recount, err)
		}
	}
	return c, nil
}

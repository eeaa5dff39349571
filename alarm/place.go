package alarm

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/event"
)

// lockPlace is the advisory lock of a place, by its name: until the transaction ends, no
// other transaction looks at its balance.
const lockPlace = "SELECT pg_advisory_xact_lock(hashtextextended('sightlog alarm ' || $1, 0))"

// placeCrossings returns, in their order, the crossings of a place that this transaction
// has inserted: those that come again are not among them.
const placeCrossings = `
SELECT x.captured_at, sightlog_reset(x.captured_at, p.reset_at, p.tz), CASE WHEN (x.direction = 'in') <> l.reversed THEN 1 ELSE -1 END
FROM places p JOIN place_lines l ON l.place_id = p.id JOIN cameras c ON c.name = l.camera
JOIN crossings x ON x.camera_id = c.id AND x.line = l.line AND x.label = p.label
WHERE p.name = $1 AND x.captured_at BETWEEN $2 AND $3 AND x.xmin = pg_current_xact_id()::xid
ORDER BY x.captured_at`

// placeBalance returns how many are inside of a place that began at 0 at a time.
const placeBalance = `
SELECT coalesce(sum(v."in" - v."out"), 0) FROM v_place_crossings v JOIN places p ON p.name = v.place
WHERE v.place = $1 AND v.minute >= $2 AND v.minute < $2 + interval '26 h' AND sightlog_reset(v.minute, p.reset_at, p.tz) = $2`

type placeCrossing struct {
	at, reset time.Time
	change    int
}

// watchPlaces lets the rules of places observe their balance after each of these crossings.
// The locks are taken in one order.
func (a *Rules) watchPlaces(ctx context.Context, tx pgx.Tx, b *batch, crossings []*event.Crossing) error {
	var rules []*rule.Rule
	var first, last time.Time
	for _, x := range crossings {
		for _, r := range a.byLine[x.Camera+"/"+x.Line] {
			if !slices.Contains(rules, r) {
				rules = append(rules, r)
			}
			if first.IsZero() || x.CapturedAt.Before(first) {
				first = x.CapturedAt.Time
			}
			if x.CapturedAt.After(last) {
				last = x.CapturedAt.Time
			}
		}
	}
	slices.SortFunc(rules, func(x, y *rule.Rule) int { return strings.Compare(x.Place+"\x00"+x.Name, y.Place+"\x00"+y.Name) })
	for _, r := range rules {
		if _, err := tx.Exec(ctx, lockPlace, r.Place); err != nil {
			return err
		}
		if err := a.watchPlace(ctx, tx, b, r, first, last); err != nil {
			return err
		}
	}
	return nil
}

func (a *Rules) watchPlace(ctx context.Context, tx pgx.Tx, b *batch, r *rule.Rule, first, last time.Time) error {
	rows, err := tx.Query(ctx, placeCrossings, r.Place, first, last)
	if err != nil {
		return err
	}
	var all []placeCrossing
	var x placeCrossing
	_, err = pgx.ForEachRow(rows, []any{&x.at, &x.reset, &x.change}, func() error { all = append(all, x); return nil })
	if err != nil || len(all) == 0 {
		return err
	}
	inside, err := insideAfter(ctx, tx, r.Place, all)
	if err != nil {
		return err
	}
	states, err := readStates(ctx, tx, []*rule.Rule{r})
	if err != nil {
		return err
	}
	s := states[key{r.Name, r.Subject()}]
	for i, x := range all {
		if err := a.observePlace(b, r, s, x.at, inside[i]); err != nil {
			return err
		}
	}
	return queueState(b, r, s)
}

// insideAfter returns the balance after each of the crossings: that of all which are in the
// tables, less those of this transaction that follow it.
func insideAfter(ctx context.Context, tx pgx.Tx, place string, all []placeCrossing) ([]int, error) {
	inside := make([]int, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		if i < len(all)-1 && all[i].reset.Equal(all[i+1].reset) {
			inside[i] = inside[i+1] - all[i+1].change
			continue
		}
		if err := tx.QueryRow(ctx, placeBalance, place, all[i].reset).Scan(&inside[i]); err != nil {
			return nil, err
		}
	}
	return inside, nil
}

// observePlace lets a rule observe a balance. It holds until the next crossing, so an alarm
// that was to begin before this time is found first.
func (a *Rules) observePlace(b *batch, r *rule.Rule, s *state, at time.Time, inside int) error {
	var all []change
	if s.Text == r.Text && s.holds() && at.After(s.Seen) { // it has held since then
		s.Last, s.Seen = at.Add(-time.Microsecond), at.Add(-time.Microsecond)
		all = s.observe(r, "", s.Last, true, s.Peak)
	}
	for _, c := range append(all, s.observe(r, "", at, r.Over(inside) && r.At(at), inside)...) {
		if err := a.write(b, r, s, c); err != nil {
			return err
		}
	}
	return nil
}

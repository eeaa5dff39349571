package alarm

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// blind looks at the times between two sightings of a camera. A file that has ended is not
// blind until the next run.
func (p *replay) blind(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		WITH seen AS (
			(SELECT captured_at, run_id FROM sightings WHERE camera_id = (SELECT id FROM cameras WHERE name = $1) AND captured_at < $2
				ORDER BY captured_at DESC LIMIT 1)
			UNION ALL SELECT captured_at, run_id FROM sightings
				WHERE camera_id = (SELECT id FROM cameras WHERE name = $1) AND captured_at >= $2 AND captured_at < $3
		), gaps AS (SELECT captured_at AS began, lead(captured_at) OVER (ORDER BY captured_at) AS ended, run_id FROM seen)
		SELECT began, ended FROM gaps JOIN runs r ON r.id = run_id WHERE coalesce(ended, $3) - began >= $4::bigint * interval '1 us'
		AND NOT (r.finished_at IS NOT NULL AND r.source_kind NOT IN ('webcam', 'stream')
			AND began >= (SELECT max(captured_at) FROM sightings l WHERE l.run_id = r.id AND l.camera_id = r.camera_id))
		ORDER BY began`, p.r.Camera, p.since, p.until, p.r.For.Microseconds())
	if err != nil {
		return err
	}
	var began time.Time
	var ended *time.Time
	_, err = pgx.ForEachRow(rows, []any{&began, &ended}, func() error {
		end := p.until
		if ended != nil {
			end = *ended
		}
		if !p.everAt(began.Add(p.r.For), end) {
			return nil
		}
		c := change{id: makeID(p.r, p.r.Subject(), began), began: began, at: began.Add(p.r.For)}
		p.add(c)
		if ended != nil {
			c.ended, c.at = true, end
			p.add(c)
		}
		return nil
	})
	return err
}

// everAt reports whether the rule applies at any time from one to before another.
func (p *replay) everAt(from, to time.Time) bool {
	for at := from; at.Before(to); at = at.Truncate(time.Minute).Add(time.Minute) {
		if p.r.At(at) {
			return true
		}
	}
	return false
}

// balance is how the balance of a place changes at a time: by a crossing, or to 0 by a reset.
type balance struct {
	at     time.Time
	change int
	reset  bool
}

// place lets a state observe the balance of a place at each crossing and, as the ticker
// does, each second.
func (p *replay) place(ctx context.Context, tx pgx.Tx) error {
	all, err := p.balances(ctx, tx)
	if err != nil {
		return err
	}
	var s state
	inside, tick := 0, p.since
	for _, b := range append(all, balance{at: p.until}) {
		for ; tick.Before(b.at); tick = tick.Add(tickEvery) {
			if holds := p.r.Over(inside) && p.r.At(tick); holds || !s.Since.IsZero() {
				p.observe(&s, tick, holds, inside)
			}
		}
		if inside += b.change; b.reset {
			inside = 0
		}
		if !b.at.Before(p.since) && b.at.Before(p.until) {
			p.observe(&s, b.at, p.r.Over(inside) && p.r.At(b.at), inside)
		}
	}
	return nil
}

func (p *replay) observe(s *state, at time.Time, holds bool, inside int) {
	p.add(s.observe(p.r, "", at, holds, inside)...)
}

// balances returns the crossings of the place since the reset before p.since, and the resets.
func (p *replay) balances(ctx context.Context, tx pgx.Tx) ([]balance, error) {
	rows, err := tx.Query(ctx, `
		WITH place AS (SELECT *, sightlog_reset($2, reset_at, tz) AS first FROM places WHERE name = $1)
		SELECT x.captured_at, CASE WHEN (x.direction = 'in') <> l.reversed THEN 1 ELSE -1 END, false
		FROM place p JOIN place_lines l ON l.place_id = p.id JOIN cameras c ON c.name = l.camera
		JOIN crossings x ON x.camera_id = c.id AND x.line = l.line AND x.label = p.label
		WHERE x.captured_at >= p.first AND x.captured_at < $3
		UNION ALL
		SELECT DISTINCT sightlog_reset(t, p.reset_at, p.tz), 0, true FROM place p, generate_series(p.first, $3, interval '1 h') t
		ORDER BY 1, 3 DESC`, p.r.Place, p.since, p.until)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b balance, err error) {
		err = row.Scan(&b.at, &b.change, &b.reset)
		return b, err
	})
}

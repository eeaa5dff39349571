package alarm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/alarm/rule"
)

// Replay returns the alarms that the rules would have made of what the tables hold of a
// time, in the order in which they would have fired. It writes nothing. What began before
// since is taken to begin there.
func (a *Rules) Replay(ctx context.Context, tx pgx.Tx, since, until time.Time) ([]Found, error) {
	var all []Found
	for i := range a.all {
		r := &a.all[i]
		p := replay{r: r, since: since, until: until}
		var err error
		switch {
		case r.Place != "":
			err = p.place(ctx, tx)
		case r.Kind == rule.Blind:
			err = p.blind(ctx, tx)
		case r.Kind == rule.Crossing:
			err = p.crossings(ctx, tx)
		case r.Kind == rule.Loitering:
			err = p.stays(ctx, tx)
		default:
			err = p.sightings(ctx, tx)
		}
		if err != nil {
			return nil, fmt.Errorf("replay rule %s: %w", r.Name, err)
		}
		all = append(all, p.found...)
	}
	slices.SortStableFunc(all, func(x, y Found) int { return x.FiredAt.Compare(y.FiredAt) })
	return all, nil
}

// sightings lets a state observe the sightings of a camera, run by run, as the log has them.
func (p *replay) sightings(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT r.run, s.captured_at, (SELECT count(*) FROM detections d
			JOIN classes l ON l.run_id = d.run_id AND l.class_id = d.class_id AND l.label = $4
			WHERE d.captured_at = s.captured_at AND d.camera_id = s.camera_id AND d.run_id = s.run_id AND d.seq = s.seq
			AND d.state IS DISTINCT FROM 'thing' AND ($5 = '' OR $5 = ANY (d.zones)))
		FROM sightings s JOIN runs r ON r.id = s.run_id
		WHERE s.camera_id = (SELECT id FROM cameras WHERE name = $1) AND s.captured_at >= $2 AND s.captured_at < $3
		ORDER BY s.run_id, s.captured_at, s.seq`, p.r.Camera, p.since, p.until, p.r.Class, p.r.Zone)
	if err != nil {
		return err
	}
	var s state
	var run string
	var at time.Time
	var n int
	_, err = pgx.ForEachRow(rows, []any{&run, &at, &n}, func() error {
		p.add(s.observe(p.r, run, at, p.r.Over(n) && p.r.At(at), n)...)
		return nil
	})
	return err
}

func (p *replay) crossings(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT run, captured_at, track_id, direction FROM v_crossings
		WHERE camera = $1 AND line = $2 AND captured_at >= $3 AND captured_at < $4 AND ($5 = '' OR direction = $5)
		ORDER BY captured_at, run, track_id`, p.r.Camera, p.r.Line, p.since, p.until, p.r.Direction)
	if err != nil {
		return err
	}
	var run, direction string
	var at time.Time
	var track int64
	_, err = pgx.ForEachRow(rows, []any{&run, &at, &track, &direction}, func() error {
		if p.r.At(at) {
			id := track
			p.add(change{id: makeID(p.r, p.r.Subject(), at, run, fmt.Sprint(track), direction), began: at, at: at, value: 1, run: run, track: &id})
		}
		return nil
	})
	return err
}

func (p *replay) stays(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT r.run, v.track_id, v.entered_at FROM visits v
		JOIN runs r ON r.id = v.run_id JOIN tracks t ON t.run_id = v.run_id AND t.track_id = v.track_id
		WHERE v.camera_id = (SELECT id FROM cameras WHERE name = $1) AND v.zone = $2 AND NOT t.thing
		AND v.left_at - v.entered_at >= $5::bigint * interval '1 us'
		AND v.entered_at + $5::bigint * interval '1 us' >= $3 AND v.entered_at + $5::bigint * interval '1 us' < $4
		ORDER BY v.entered_at, v.track_id`, p.r.Camera, p.r.Zone, p.since, p.until, p.r.For.Microseconds())
	if err != nil {
		return err
	}
	var run string
	var track int64
	var entered time.Time
	_, err = pgx.ForEachRow(rows, []any{&run, &track, &entered}, func() error {
		if at, id := entered.Add(p.r.For), track; p.r.At(at) {
			p.add(change{id: makeID(p.r, p.r.Subject(), entered, run, fmt.Sprint(track)), began: entered, at: at, value: 1, run: run, track: &id})
		}
		return nil
	})
	return err
}

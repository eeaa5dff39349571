package alarm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/event"
)

// Wants reports whether a rule looks at the camera.
func (a *Rules) Wants(camera string) bool { return len(a.byCamera[camera]) > 0 }

// WantsLine reports whether a rule looks at crossings of the line.
func (a *Rules) WantsLine(camera, line string) bool {
	return len(a.byLine[camera+"/"+line]) > 0 || slices.ContainsFunc(a.byCamera[camera], func(r *rule.Rule) bool { return r.Line == line })
}

// Watch looks at the sightings and crossings that a transaction has written, which are in
// the order of their log. It is called after all other statements of the transaction: the
// locks of places come last. committed counts what was found.
func (a *Rules) Watch(ctx context.Context, tx pgx.Tx, sightings []*event.Sighting, crossings []*event.Crossing) (committed func(), err error) {
	b := new(batch)
	if err := a.watch(ctx, tx, b, sightings, crossings); err != nil {
		// The records are not the cause: whatever the database says, they are tried again.
		return nil, fmt.Errorf("write alarms: %s", err.Error())
	}
	return func() { a.count(b.found) }, nil
}

func (a *Rules) watch(ctx context.Context, tx pgx.Tx, b *batch, sightings []*event.Sighting, crossings []*event.Crossing) error {
	if err := a.watchSightings(ctx, tx, b, sightings); err != nil {
		return err
	}
	if err := a.watchCrossings(ctx, tx, b, crossings); err != nil {
		return err
	}
	if err := a.watchPlaces(ctx, tx, b, crossings); err != nil {
		return err
	}
	return send(ctx, tx, b)
}

func send(ctx context.Context, tx pgx.Tx, b *batch) error {
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &b.Batch).Close()
}

// watchSightings lets the rules of their cameras observe sightings.
func (a *Rules) watchSightings(ctx context.Context, tx pgx.Tx, b *batch, sightings []*event.Sighting) error {
	var rules []*rule.Rule
	by := make(map[string][]*event.Sighting)
	for _, s := range sightings {
		if by[s.Camera] == nil {
			rules = append(rules, a.byCamera[s.Camera]...)
		}
		by[s.Camera] = append(by[s.Camera], s)
	}
	rules = slices.DeleteFunc(rules, func(r *rule.Rule) bool { return r.Kind == rule.Crossing })
	if len(rules) == 0 {
		return nil
	}
	states, err := readStates(ctx, tx, rules)
	if err != nil {
		return err
	}
	for _, r := range rules {
		s := states[key{r.Name, r.Subject()}]
		if r.Kind == rule.Loitering {
			err = a.loiter(ctx, tx, b, r, s, by[r.Camera])
		} else {
			err = a.observe(b, r, s, by[r.Camera])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// observe counts in each sighting, and writes what follows.
func (a *Rules) observe(b *batch, r *rule.Rule, s *state, sightings []*event.Sighting) error {
	before := *s
	for _, g := range sightings {
		at, n := g.CapturedAt.Time, count(r, g)
		for _, c := range s.observe(r, g.Run, at, r.Over(n) && r.At(at), n) {
			if err := a.write(b, r, s, c); err != nil {
				return err
			}
		}
	}
	now := *s
	now.Seen = before.Seen
	if now == before && s.Since.IsZero() { // nothing but the time has passed
		return nil
	}
	return queueState(b, r, s)
}

// count returns the objects of a sighting that a rule counts.
func count(r *rule.Rule, s *event.Sighting) (n int) {
	for i := range s.Objects {
		o := &s.Objects[i]
		switch {
		case o.Label != r.Class, o.State == event.StateThing, r.Zone != "" && !slices.Contains(o.Zones, r.Zone):
		default:
			n++
		}
	}
	return n
}

// watchCrossings writes the alarms of crossings.
func (a *Rules) watchCrossings(ctx context.Context, tx pgx.Tx, b *batch, crossings []*event.Crossing) error {
	var rules []*rule.Rule
	by := make(map[*rule.Rule][]*event.Crossing)
	for _, x := range crossings {
		for _, r := range a.byCamera[x.Camera] {
			if r.Kind != rule.Crossing || r.Line != x.Line || r.Direction != "" && r.Direction != x.Direction || !r.At(x.CapturedAt.Time) {
				continue
			}
			if by[r] == nil {
				rules = append(rules, r)
			}
			by[r] = append(by[r], x)
		}
	}
	states, err := readCooldowns(ctx, tx, rules)
	if err != nil {
		return err
	}
	for _, r := range rules {
		s := states[key{r.Name, r.Subject()}]
		before := sentOf(s)
		for _, x := range by[r] {
			at := x.CapturedAt.Time
			id := makeID(r, r.Subject(), at, x.Run, fmt.Sprint(x.TrackID), x.Direction)
			if err := a.write(b, r, s, change{id: id, began: at, at: at, value: 1, run: x.Run, track: &x.TrackID}); err != nil {
				return err
			}
		}
		if err := queueCooldown(b, r, s, before); err != nil {
			return err
		}
	}
	return nil
}

// readCooldowns returns the states of those rules about moments that have a cooldown: the
// others remember nothing.
func readCooldowns(ctx context.Context, tx pgx.Tx, rules []*rule.Rule) (map[key]*state, error) {
	with := slices.DeleteFunc(slices.Clone(rules), func(r *rule.Rule) bool { return r.Cooldown == 0 })
	if len(with) == 0 {
		return nil, nil
	}
	return readStates(ctx, tx, with)
}

func sentOf(s *state) time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.Sent
}

// queueCooldown stores the state of a rule about moments, if an alarm has been sent.
func queueCooldown(b *batch, r *rule.Rule, s *state, before time.Time) error {
	if r.Cooldown == 0 || s.Sent.Equal(before) {
		return nil
	}
	s.Text = r.Text
	return queueState(b, r, s)
}

// loiter writes the alarms of visits that have become long enough. The transaction has
// written the visits of its sightings before.
func (a *Rules) loiter(ctx context.Context, tx pgx.Tx, b *batch, r *rule.Rule, s *state, sightings []*event.Sighting) error {
	before := s.Sent
	var runs []string
	var tracks []int64
	var since time.Time
	for _, g := range sightings {
		for i := range g.Objects {
			if o := &g.Objects[i]; o.TrackID != nil && slices.Contains(o.Zones, r.Zone) {
				runs, tracks = append(runs, g.Run), append(tracks, *o.TrackID)
			}
		}
		if since.IsZero() || g.CapturedAt.Before(since) {
			since = g.CapturedAt.Time
		}
	}
	if len(tracks) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `SELECT r.run, v.track_id, v.entered_at FROM visits v
		JOIN runs r ON r.id = v.run_id JOIN cameras c ON c.id = v.camera_id JOIN tracks t ON t.run_id = v.run_id AND t.track_id = v.track_id
		WHERE c.name = $1 AND r.camera_id = c.id AND (r.run, v.track_id) IN (SELECT * FROM unnest($2::text[], $3::bigint[])) AND v.zone = $4
		  AND v.left_at >= $5 AND v.left_at - v.entered_at >= $6::bigint * interval '1 us' AND NOT t.thing
		ORDER BY v.entered_at, v.track_id`, r.Camera, runs, tracks, r.Zone, since, r.For.Microseconds())
	if err != nil {
		return err
	}
	var run string
	var track int64
	var entered time.Time
	_, err = pgx.ForEachRow(rows, []any{&run, &track, &entered}, func() error {
		at, id := entered.Add(r.For), track
		if !r.At(at) {
			return nil
		}
		began := makeID(r, r.Subject(), entered, run, fmt.Sprint(track))
		return a.write(b, r, s, change{id: began, began: entered, at: at, value: 1, run: run, track: &id})
	})
	if err != nil {
		return err
	}
	return queueCooldown(b, r, s, before)
}

package alarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/alarm/rule"
)

// tickEvery is the time between two looks of the ticker.
const tickEvery = time.Second

// Run looks once a second until ctx ends. Without rules it only ends, once a minute, the alarms of
// rules that were removed.
func (t *Ticker) Run(ctx context.Context) error {
	every := tickEvery
	if len(t.Rules.all) == 0 {
		every = goneEvery
	}
	beats := make(chan struct{})
	go func() { t.pulse.run(ctx, t.Rules.now); close(beats) }()
	defer func() { <-beats }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed := false
	for {
		err := t.tick(ctx)
		if err != nil && ctx.Err() == nil && !failed {
			t.Rules.log.Warn("cannot look for alarms that time brings, retrying", "err", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tick looks once.
func (t *Ticker) tick(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if time.Since(t.noted) >= noteEvery {
		if err := t.note(ctx); err != nil {
			return err
		}
		t.noted = time.Now()
	}
	if time.Since(t.ended) >= goneEvery {
		if err := t.EndRemoved(ctx); err != nil {
			return err
		}
		t.ended = time.Now()
	}
	if len(t.Rules.all) == 0 {
		return nil
	}
	at, err := t.Horizon(ctx)
	if err != nil || at.IsZero() {
		return err
	}
	return t.Look(ctx, at)
}

// Look finds what is so at a time. What another ticker looks at meanwhile is left to it. Each rule
// has a transaction of its own: the sinks lock states before places, so one that held the lock of
// a place while it waits for the state of another rule would block them, and they it.
func (t *Ticker) Look(ctx context.Context, at time.Time) error {
	t.pulse.beat(t.Rules.now()) // it may be the first to run after a stop
	for _, r := range t.Rules.timed {
		err := t.alone(ctx, func(tx pgx.Tx) error {
			if r.Place != "" {
				return t.place(ctx, tx, r, at)
			}
			return t.camera(ctx, tx, r, at)
		})
		if err != nil {
			return fmt.Errorf("look for alarms of rule %s: %w", r.Name, err)
		}
	}
	return t.endSilent(ctx, at)
}

// place observes a place between crossings: it may have held for long enough, or a reset
// has emptied it.
func (t *Ticker) place(ctx context.Context, tx pgx.Tx, r *rule.Rule, at time.Time) error {
	if _, err := tx.Exec(ctx, lockPlace, r.Place); err != nil {
		return err
	}
	var inside *int
	err := tx.QueryRow(ctx, `SELECT (SELECT coalesce(sum(v."in" - v."out"), 0) FROM v_place_crossings v
		WHERE v.place = p.name AND v.minute >= sightlog_reset($2, p.reset_at, p.tz) AND v.minute <= $2)
		FROM places p WHERE p.name = $1`, r.Place, at).Scan(&inside)
	if err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // the place is new: the services have not stored it yet
		}
		return err
	}
	return t.change(ctx, tx, r, func(b *batch, s *state) error { return t.Rules.observePlace(b, r, s, at, *inside) })
}

// camera observes whether anything has come from a camera. A file that has ended is not
// blind.
func (t *Ticker) camera(ctx context.Context, tx pgx.Tx, r *rule.Rule, at time.Time) error {
	var newest time.Time
	var over bool
	err := tx.QueryRow(ctx, `SELECT l.captured_at, coalesce(r.finished_at IS NOT NULL AND r.source_kind NOT IN ('webcam', 'stream'), false)
		FROM cameras c JOIN latest_sightings l ON l.camera_id = c.id JOIN runs r ON r.id = l.run_id WHERE c.name = $1`, r.Camera).Scan(&newest, &over)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return t.change(ctx, tx, r, func(b *batch, s *state) error {
		for _, c := range s.blind(r, newest, over, at, t.pulse.lost) {
			if err := t.Rules.write(b, r, s, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// blind tells the state of a camera's newest sighting. One that has never had any is blind
// from the first look on. A time that this process has lost does not count.
func (s *state) blind(r *rule.Rule, newest time.Time, over bool, at time.Time, lost func(since, until time.Time) time.Duration) (all []change) {
	if s.Text != r.Text {
		all = s.end(all)
		*s = state{Text: r.Text, Seen: at, Sent: s.Sent}
	}
	if newest.IsZero() {
		newest = s.Seen
	}
	if newest.After(s.Since) || over { // something has come
		s.Last = newest
		all = s.end(all)
		s.Since = newest
	}
	if s.Alarm == "" && !over && at.Sub(s.Since)-lost(s.Since, at) >= r.For && r.At(at) {
		s.Alarm, s.Last = makeID(r, r.Subject(), s.Since), at
		all = append(all, change{id: s.Alarm, began: s.Since, at: s.Since.Add(r.For), value: 0})
	}
	return all
}

// change reads the state of a rule, and writes it where f has changed it.
func (t *Ticker) change(ctx context.Context, tx pgx.Tx, r *rule.Rule, f func(*batch, *state) error) error {
	states, err := readStates(ctx, tx, []*rule.Rule{r})
	if err != nil {
		return err
	}
	s := states[key{r.Name, r.Subject()}]
	before := *s
	b := new(batch)
	if err := f(b, s); err != nil {
		return err
	}
	if s.same(&before) {
		return nil
	}
	t.found = append(t.found, b.found...)
	if err := queueState(b, r, s); err != nil {
		return err
	}
	return send(ctx, tx, b)
}

// endSilent ends alarms of cameras of which no sighting has come for longer than the rule's
// Clear and a minute: their motion gate is shut, or they are gone.
func (t *Ticker) endSilent(ctx context.Context, at time.Time) error {
	rows, err := t.Pool.Query(ctx, "SELECT rule FROM alarm_states WHERE state ? 'alarm'")
	if err != nil {
		return fmt.Errorf("look for alarms that are not over: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for alarms that are not over: %w", err)
	}
	for i := range t.Rules.all {
		r := &t.Rules.all[i]
		if r.Kind == rule.Blind || r.Place != "" || !slices.Contains(names, r.Name) {
			continue
		}
		err := t.alone(ctx, func(tx pgx.Tx) error {
			return t.change(ctx, tx, r, func(b *batch, s *state) error { return t.endIfSilent(b, r, s, at) })
		})
		if err != nil {
			return fmt.Errorf("end the alarm of rule %s: %w", r.Name, err)
		}
	}
	return nil
}

func (t *Ticker) endIfSilent(b *batch, r *rule.Rule, s *state, at time.Time) error {
	if s.Alarm == "" || at.Sub(s.Seen) <= r.Clear+time.Minute {
		return nil
	}
	for _, c := range s.end(nil) {
		s.Since = time.Time{}
		if err := t.Rules.write(b, r, s, c); err != nil {
			return err
		}
	}
	return nil
}

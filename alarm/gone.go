package alarm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/alarm/rule"
)

// RuleRemoved is the outcome of an alarm whose rule is in no configuration any more.
const RuleRemoved = "rule removed"

const (
	noteEvery = 20 * time.Second // a process says that it has its rules
	goneEvery = time.Minute      // and looks for those that none has
)

// GoneAfter is the time after which a rule that no process has said it has is removed: one that is
// started again, with its rules, is back before.
const GoneAfter = "5 min"

// note says that this process has its rules.
func (t *Ticker) note(ctx context.Context) error {
	all := t.Rules.all
	if len(all) == 0 {
		return nil
	}
	names, subjects := make([]string, len(all)), make([]string, len(all))
	for i := range all {
		names[i], subjects[i] = all[i].Name, all[i].Subject()
	}
	// In the order of the keys: two processes that say so at once do not wait for each other in a circle.
	_, err := t.Pool.Exec(ctx, `INSERT INTO alarm_rules SELECT *, now() FROM unnest($1::text[], $2::text[]) AS r(rule, subject) ORDER BY 1, 2
		ON CONFLICT (rule, subject) DO UPDATE SET looked_at = excluded.looked_at`, names, subjects)
	if err != nil {
		return fmt.Errorf("store which rules there are: %w", err)
	}
	return nil
}

// EndRemoved ends the alarms of rules that no process has any more.
func (t *Ticker) EndRemoved(ctx context.Context) error {
	err := t.alone(ctx, func(tx pgx.Tx) error {
		// Of a rule that nobody has spoken of the time begins now.
		if _, err := tx.Exec(ctx, `INSERT INTO alarm_rules SELECT rule, subject, now() FROM alarm_states WHERE state ? 'alarm' ON CONFLICT DO NOTHING`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT s.rule, s.subject, s.state->>'alarm', r.looked_at
			FROM alarm_states s JOIN alarm_rules r USING (rule, subject)
			WHERE s.state ? 'alarm' AND r.looked_at < now() - $1::interval ORDER BY 1, 2 FOR UPDATE OF s`, GoneAfter)
		if err != nil {
			return err
		}
		gone, err := pgx.CollectRows(rows, pgx.RowToStructByPos[removed])
		if err != nil {
			return err
		}
		for _, g := range gone {
			if t.Rules.has(g) {
				continue // this process was away
			}
			if err := t.Rules.endRemoved(ctx, tx, g); err != nil {
				return err
			}
			t.Rules.log.Warn("an alarm ends: its rule is not in the configuration any more", "rule", g.Rule, "subject", g.Subject, "alarm", g.Alarm)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("end alarms of rules that were removed: %w", err)
	}
	return nil
}

// removed is the open alarm of a rule that is gone, and when a process had that last.
type removed struct {
	Rule, Subject, Alarm string
	LookedAt             time.Time
}

func (a *Rules) has(g removed) bool {
	return slices.ContainsFunc(a.all, func(r rule.Rule) bool { return r.Name == g.Rule && r.Subject() == g.Subject })
}

// endRemoved ends an alarm, and tells the receivers that were told of its beginning.
func (a *Rules) endRemoved(ctx context.Context, tx pgx.Tx, g removed) error {
	b := new(pgx.Batch)
	b.Queue(`UPDATE alarms SET ended_at = greatest(fired_at, $2), outcome = $3 WHERE id = $1 AND ended_at IS NULL`, g.Alarm, g.LookedAt, RuleRemoved)
	b.Queue("DELETE FROM alarm_states WHERE rule = $1 AND subject = $2", g.Rule, g.Subject)
	b.Queue("DELETE FROM alarm_rules WHERE rule = $1 AND subject = $2", g.Rule, g.Subject)
	for i := range a.receivers {
		to := &a.receivers[i]
		if !to.Ends {
			continue
		}
		due, _ := to.Due(a.now())
		b.Queue(`INSERT INTO alarm_deliveries (receiver, message_id, alarm_id, event, payload, due)
			SELECT d.receiver, a.id || '.' || $3, a.id, $3, d.payload || jsonb_build_object('event', $3, 'outcome', a.outcome,
				'value', a.value, 'ended_at', to_char(a.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), $4
			FROM alarm_deliveries d JOIN alarms a ON a.id = d.alarm_id WHERE d.alarm_id = $1 AND d.receiver = $2 AND d.event = 'began'
			ON CONFLICT (receiver, message_id) DO NOTHING`, g.Alarm, to.Name, Ended, due)
	}
	return tx.SendBatch(ctx, b).Close()
}

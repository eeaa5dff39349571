package cli

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// AlarmListCmd lists alarms.
type AlarmListCmd struct {
	config.Data
	config.Database
	Rule   string `placeholder:"NAME" env:"-" help:"Only of this rule."`
	Camera string `placeholder:"ID" env:"-" help:"Only this camera."`
	Since  When   `placeholder:"TIME" env:"-" help:"That began at or after this time, written as --since of query is."`
	Until  When   `placeholder:"TIME" env:"-" help:"That began before this time."`
	Open   bool   `env:"-" help:"Only those that are not over."`
	Limit  int    `default:"100" env:"-" help:"At most so many (${default})."`
	Format string `enum:"table,csv,json" default:"table" env:"-" help:"table, csv or json (${default})."`
}

// Help is the rest of --help.
func (*AlarmListCmd) Help() string {
	return `Columns: began_at, ended_at (empty while it lasts), rule, subject, value, message, sent (receiver: sent, waiting or dead, with the reason; or why it was not sent: old, cooldown), acked_by, outcome (why it ended, if not because it was over), id.

` + WhenHelp
}

// Run implements the command.
func (c *AlarmListCmd) Run(ctx context.Context, env *Env) error {
	if err := checkSpan(env, c.Since, c.Until); err != nil {
		return err
	}
	if c.Limit < 1 {
		return usage.New("give 1 or more", "--limit %d", c.Limit)
	}
	return stored{
		Data: c.Data, Database: c.Database, format: c.Format,
		columns: []string{"began_at", "ended_at", "rule", "subject", "value", "message", "sent", "acked_by", "outcome", "id"},
		check: func(ctx context.Context, pool *pgxpool.Pool) error {
			if err := query.CheckName(ctx, pool, "--rule", c.Rule, query.RulesOfAlarms, env.ruleNames()...); err != nil {
				return err
			}
			return query.CheckName(ctx, pool, "--camera", c.Camera, query.CamerasOfAlarms, slices.Collect(maps.Keys(env.Cameras))...)
		},
		sql: `SELECT began_at, ended_at, rule, subject, value, message, coalesce(unsent, (
			SELECT string_agg(receiver || ': ' || CASE WHEN sent_at IS NOT NULL THEN 'sent'
					ELSE CASE WHEN dead_at IS NOT NULL THEN 'dead' ELSE 'waiting' END || coalesce(' (' || error || ')', '') END,
				', ' ORDER BY receiver)
			FROM alarm_deliveries d WHERE d.alarm_id = a.id AND d.event = 'began')) AS sent, acked_by, outcome, id
		FROM alarms a WHERE ($1 = '' OR rule = $1) AND ($2 = '' OR camera = $2) AND ($3::timestamptz IS NULL OR began_at >= $3)
		AND ($4::timestamptz IS NULL OR began_at < $4) AND NOT ($5 AND ended_at IS NOT NULL)
		ORDER BY began_at DESC, seq DESC LIMIT $6`,
		args: []any{c.Rule, c.Camera, orNull(c.Since), orNull(c.Until), c.Open, c.Limit},
	}.answer(ctx, env)
}

func orNull(w When) any {
	if w.IsZero() {
		return nil
	}
	return w.Time
}

// AlarmReplayCmd evaluates rules over stored rows.
type AlarmReplayCmd struct {
	config.Data
	config.Database
	Rule   []string `placeholder:"NAME" env:"-" help:"Only this rule; may be repeated."`
	Since  When     `required:"" placeholder:"TIME" env:"-" help:"From this time on, written as --since of query is."`
	Until  When     `placeholder:"TIME" env:"-" help:"Before this time (now)."`
	Format string   `enum:"table,csv,json" default:"table" env:"-" help:"table, csv or json (${default})."`
}

// Help is the rest of --help.
func (*AlarmReplayCmd) Help() string {
	return `The rules of the file of --config look at the sightings, crossings and visits in the tables: change a rule, and see what it would have found. Nothing is written and nothing is sent. Frames that the tables do not keep (--keep) are not looked at. Columns: fired_at, began_at, ended_at, rule, subject, value, message, unsent (cooldown), id.

` + WhenHelp
}

// Run implements the command.
func (c *AlarmReplayCmd) Run(ctx context.Context, env *Env) (err error) {
	if c.Until.IsZero() {
		c.Until = When{Time: time.Now(), text: "now"}
	}
	if err := checkSpan(env, c.Since, c.Until); err != nil {
		return err
	}
	rules, err := c.choose(env)
	if err != nil {
		return err
	}
	db, done, err := database.Open(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	t := &query.Table{Columns: []string{"fired_at", "began_at", "ended_at", "rule", "subject", "value", "message", "unsent", "id"}}
	how := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, db, how, func(tx pgx.Tx) error {
		found, err := alarm.New(alarm.Config{Rules: rules}).Replay(ctx, tx, c.Since.Time, c.Until.Time)
		for _, f := range found {
			row := []any{f.FiredAt, f.BeganAt, nil, f.Rule, f.Subject, int64(f.Value), f.Message.Message, nil, f.ID}
			if f.EndedAt != nil {
				row[2] = *f.EndedAt
			}
			if f.Unsent != "" {
				row[7] = f.Unsent
			}
			t.Rows = append(t.Rows, row)
		}
		return err
	})
	if err != nil {
		return err
	}
	out := openAnswer(env.Stdout)
	return out.done(t.Write(out, c.Format))
}

// choose returns the rules of the flags; all without any.
func (c *AlarmReplayCmd) choose(env *Env) ([]rule.Rule, error) {
	if len(env.Alarms.Rules) == 0 {
		return nil, usage.New("give the file of the rules: --config FILE", "the configuration has no alarms")
	}
	if len(c.Rule) == 0 {
		return env.Alarms.Rules, nil
	}
	var rules []rule.Rule
	for _, name := range c.Rule {
		i := slices.IndexFunc(env.Alarms.Rules, func(r rule.Rule) bool { return r.Name == name })
		if i < 0 {
			return nil, usage.New("see alarms in the file of --config", "--rule %s: no rule has this name", name)
		}
		rules = append(rules, env.Alarms.Rules[i])
	}
	return rules, nil
}

package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
)

const (
	lookEvery = 10 * time.Second
	// patience is how long a report waits for the tables to hold its period.
	patience = time.Hour
	// makeTimeout bounds one report.
	makeTimeout = 5 * time.Minute
)

// Maker makes the reports that are due.
type Maker struct {
	Reports   []rule.Report
	Receivers []rule.Receiver
	Pool      *pgxpool.Pool // two connections at most
	Log       *slog.Logger
	// Horizon returns a time up to which the tables hold the log; zero if that is not known yet.
	Horizon func(context.Context) (time.Time, error)

	began time.Time // of Run
}

// Run makes reports until ctx ends.
func (m *Maker) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	m.began = time.Now()
	failed := make(map[string]bool)
	for {
		for i := range m.Reports {
			r := &m.Reports[i]
			err := m.Look(ctx, r, time.Now())
			if err != nil && ctx.Err() == nil && !failed[r.Name] {
				m.Log.Warn("cannot make a report, retrying", "report", r.Name, "err", err)
			}
			failed[r.Name] = err != nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Look makes the reports of the periods that are due at a time.
func (m *Maker) Look(ctx context.Context, r *rule.Report, now time.Time) error {
	for {
		made, err := m.next(ctx, r, now)
		if err != nil || !made {
			return err
		}
	}
}

// next makes the oldest report that is due, if there is one.
func (m *Maker) next(ctx context.Context, r *rule.Report, now time.Time) (made bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, makeTimeout)
	defer cancel()
	err = pgx.BeginFunc(ctx, m.Pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO report_states (name, made_until) VALUES ($1, $2::text::date) ON CONFLICT DO NOTHING",
			r.Name, r.Last(now).Until.Format(time.DateOnly))
		if err != nil {
			return err
		}
		var text string
		if err := tx.QueryRow(ctx, "SELECT made_until::text FROM report_states WHERE name = $1 FOR UPDATE", r.Name).Scan(&text); err != nil {
			return err
		}
		until, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return err
		}
		p, skipped := r.NotTooLate(until, now)
		if skipped > 0 {
			m.Log.Warn("reports are too late and are not made", "report", r.Name, "periods", skipped, "max_age", r.MaxAge)
		}
		if p.Due.After(now) {
			return m.store(ctx, tx, r, p.Since, skipped > 0)
		}
		held, wait := m.held(ctx, p, now)
		if wait {
			return m.store(ctx, tx, r, p.Since, skipped > 0)
		}
		rep, err := Make(ctx, m.Pool, r, p, now)
		if err != nil {
			return err
		}
		rep.Held = held
		if err := m.queue(ctx, tx, r, rep, now); err != nil {
			return err
		}
		made = true
		return m.store(ctx, tx, r, p.Until, true)
	})
	return made && err == nil, err
}

// held returns up to when the tables hold the log, if that is not all of the period, and
// whether to wait.
func (m *Maker) held(ctx context.Context, p rule.Period, now time.Time) (at *time.Time, wait bool) {
	if m.Horizon == nil {
		return nil, false
	}
	known, err := m.Horizon(ctx)
	if err == nil && !known.Before(p.Until) {
		return nil, false
	}
	from := p.Due
	if m.began.After(from) {
		from = m.began
	}
	if now.Sub(from) < patience {
		return nil, true
	}
	return new(known.UTC()), false
}

func (m *Maker) store(ctx context.Context, tx pgx.Tx, r *rule.Report, until time.Time, moved bool) error {
	if !moved {
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE report_states SET made_until = $2::text::date WHERE name = $1", r.Name, until.Format(time.DateOnly))
	return err
}

// queue writes the messages of a report.
func (m *Maker) queue(ctx context.Context, tx pgx.Tx, r *rule.Report, rep *Report, now time.Time) error {
	msg, err := rep.Message(now)
	if err != nil {
		return err
	}
	payload, err := json.Marshal(msg)
	if err != nil {
		return fmt.Errorf("encode report %s: %w", r.Name, err)
	}
	for i := range m.Receivers {
		to := &m.Receivers[i]
		due, keep := to.Due(now)
		if !r.Sends(to.Name) || !keep {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO alarm_deliveries (receiver, message_id, event, payload, due) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (receiver, message_id) DO NOTHING`, to.Name, msg.ID+"."+msg.Event, msg.Event, payload, due); err != nil {
			return err
		}
	}
	return nil
}

// Message returns the message of the report. Its id is that of the name and the period.
func (r *Report) Message(now time.Time) (alarm.Message, error) {
	figures, err := json.Marshal(r)
	if err != nil {
		return alarm.Message{}, fmt.Errorf("encode report %s: %w", r.Name, err)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"report", r.Name, r.Every, r.First()}, "\x00")))
	return alarm.Message{
		ID: hex.EncodeToString(sum[:12]), Event: alarm.Report, Rule: r.Name, Kind: alarm.Report, Subject: r.Camera, Camera: r.Camera,
		Message: r.Headline(), When: "every " + r.Every, Value: int(r.In.N), BeganAt: r.Since, FiredAt: now.UTC(), EndedAt: &r.Until, Report: figures,
	}, nil
}

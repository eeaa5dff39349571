package alarm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sightlog/sightlog/alarm/rule"
)

// Events of a message.
const (
	Began  = "began"
	Ended  = "ended"
	Test   = "test"
	Report = "report" // of a day or week
)

// Message is what receivers are sent.
type Message struct {
	ID      string     `json:"id"` // the alarm's
	Event   string     `json:"event"`
	Rule    string     `json:"rule"`
	Kind    string     `json:"kind"`
	Subject string     `json:"subject"`
	Camera  string     `json:"camera,omitempty"`
	Zone    string     `json:"zone,omitempty"`
	Line    string     `json:"line,omitempty"`
	Place   string     `json:"place,omitempty"`
	Run     string     `json:"run,omitempty"`
	TrackID *int64     `json:"track_id,omitempty"`
	Message string     `json:"message"`
	When    string     `json:"when"` // the rule as it was written
	Value   int        `json:"value"`
	BeganAt time.Time  `json:"began_at"`
	FiredAt time.Time  `json:"fired_at"`
	EndedAt *time.Time `json:"ended_at,omitempty"`
	Outcome string     `json:"outcome,omitempty"` // of an end: RuleRemoved, if the rule itself did not end it
	// Report has the figures of a report, as package alarm/report writes them.
	Report json.RawMessage `json:"report,omitempty"`
}

func message(r *rule.Rule, c change) Message {
	m := Message{
		ID: c.id, Event: Began, Rule: r.Name, Kind: string(r.Kind), Subject: r.Subject(), Camera: r.Camera, Zone: r.Zone, Line: r.Line,
		Place: r.Place, Run: c.run, TrackID: c.track, Message: r.Message(c.value), When: r.Text, Value: c.value,
		BeganAt: c.began.UTC(), FiredAt: c.at.UTC(),
	}
	if c.ended {
		at := c.at.UTC()
		m.Event, m.EndedAt = Ended, &at
	}
	return m
}

// TestMessage returns a message that tries the receivers of a rule.
func TestMessage(r *rule.Rule, now time.Time) Message {
	m := message(r, change{id: makeID(r, r.Subject(), now, Test), began: now, at: now})
	m.Event, m.Message = Test, "a test of "+r.Name+", nothing has happened"
	return m
}

// batch are statements of a transaction, and the alarms that begin by them.
type batch struct {
	pgx.Batch
	found []beginning
}

// beginning is an alarm that began, and whether it is sent: yes, old or cooldown.
type beginning struct{ rule, sent string }

// write adds the statements of a change, which s has made.
func (a *Rules) write(b *batch, r *rule.Rule, s *state, c change) error {
	if c.ended {
		return a.writeEnd(b, r, c)
	}
	unsent := ""
	switch {
	case a.now().Sub(c.at) > r.MaxAge:
		unsent = "old"
	case s != nil && !s.Sent.IsZero() && c.began.Sub(s.Sent) < r.Cooldown && !c.began.Before(s.Sent):
		unsent = "cooldown"
	case s != nil && c.began.After(s.Sent):
		s.Sent = c.began
	}
	m := message(r, c)
	b.Queue(`INSERT INTO alarms (id, rule, kind, subject, camera, run, track_id, message, value, began_at, fired_at, unsent, ended_at)
		VALUES ($1, $2, $3, $4, nullif($5, ''), nullif($6, ''), $7, $8, $9, $10, $11, nullif($12, ''), $13) ON CONFLICT (id) DO NOTHING`,
		m.ID, m.Rule, m.Kind, m.Subject, m.Camera, m.Run, m.TrackID, m.Message, m.Value, m.BeganAt, m.FiredAt, unsent, momentOf(r, c),
	).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() > 0 { // else it was there: a long stay is found by each of its sightings
			b.found = append(b.found, beginning{r.Name, cmp.Or(unsent, "yes")})
		}
		return nil
	})
	if unsent != "" {
		return nil
	}
	return a.queueMessage(b, r, m)
}

// momentOf returns the end of an alarm that is a moment.
func momentOf(r *rule.Rule, c change) *time.Time {
	if r.Kind == rule.Crossing || r.Kind == rule.Loitering {
		return &c.at
	}
	return nil
}

// count counts alarms that a transaction has written, once it is committed.
func (a *Rules) count(all []beginning) {
	for _, f := range all {
		a.found.WithLabelValues(f.rule, f.sent).Inc()
	}
}

func (a *Rules) writeEnd(b *batch, r *rule.Rule, c change) error {
	b.Queue(`UPDATE alarms SET ended_at = $2, value = greatest(value, $3) WHERE id = $1`, c.id, c.at, c.value)
	return a.queueMessage(b, r, message(r, c))
}

// deliver adds a message to what a receiver is sent. That of an alarm that was there, or was not
// sent, is not; and the end is sent to whoever was sent the beginning, which it keeps the time of.
const deliver = `
INSERT INTO alarm_deliveries (receiver, message_id, alarm_id, event, payload, due)
SELECT $1, $2, a.id, $4, CASE WHEN NOT $7 THEN $5::jsonb
    ELSE jsonb_set($5, '{fired_at}', to_jsonb(to_char(a.fired_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) END, $6
FROM alarms a WHERE a.id = $3 AND a.unsent IS NULL
    AND (NOT $7 OR EXISTS (SELECT FROM alarm_deliveries d WHERE d.alarm_id = a.id AND d.receiver = $1 AND d.event = 'began'))
ON CONFLICT (receiver, message_id) DO NOTHING`

// queueMessage adds a delivery for each receiver of the rule. A receiver that drops what falls
// into its quiet time gets the end of an alarm after it: it would take the alarm for one that goes on.
func (a *Rules) queueMessage(b *batch, r *rule.Rule, m Message) error {
	payload, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the message of alarm %s: %w", m.ID, err)
	}
	ended := m.Event == Ended
	for i := range a.receivers {
		to := &a.receivers[i]
		due, keep := to.Due(a.now())
		if !r.Sends(to.Name) || !keep && !ended || ended && !to.Ends {
			continue
		}
		b.Queue(deliver, to.Name, m.ID+"."+m.Event, m.ID, m.Event, payload, due, ended)
	}
	return nil
}

// key names a state.
type key struct{ rule, subject string }

// readStates returns the states of rules, locked until the transaction ends. One that is
// not there is empty.
func readStates(ctx context.Context, tx pgx.Tx, rules []*rule.Rule) (map[key]*state, error) {
	all := make(map[key]*state, len(rules))
	names, subjects := make([]string, len(rules)), make([]string, len(rules))
	for i, r := range rules {
		names[i], subjects[i] = r.Name, r.Subject()
		all[key{r.Name, r.Subject()}] = new(state)
	}
	rows, err := tx.Query(ctx, `SELECT rule, subject, state FROM alarm_states
		WHERE (rule, subject) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY rule, subject FOR UPDATE`, names, subjects)
	if err != nil {
		return nil, err
	}
	var k key
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&k.rule, &k.subject, &text}, func() error { return json.Unmarshal(text, all[k]) })
	return all, err
}

// queueState adds the statement that stores a state.
func queueState(b *batch, r *rule.Rule, s *state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the state of alarm %s: %w", r.Name, err)
	}
	b.Queue(`INSERT INTO alarm_states (rule, subject, state) VALUES ($1, $2, $3)
		ON CONFLICT (rule, subject) DO UPDATE SET state = excluded.state`, r.Name, r.Subject(), text)
	return nil
}

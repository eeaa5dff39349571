package alarms

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/route"
)

// Delivery is a message about an alarm to one receiver.
type Delivery struct {
	Receiver string     `json:"receiver"`
	Event    string     `json:"event"` // began or ended
	State    string     `json:"state"` // waiting, sent or dead
	Attempts int        `json:"attempts"`
	Error    *string    `json:"error"` // of the last try that failed
	SentAt   *time.Time `json:"sent_at"`
}

// Alarm is one alarm.
type Alarm struct {
	ID         string     `json:"id"`
	Rule       string     `json:"rule"`
	Kind       string     `json:"kind"`
	Subject    string     `json:"subject"`
	Camera     *string    `json:"camera"`
	Run        *string    `json:"run"`
	TrackID    *int64     `json:"track_id"`
	Message    string     `json:"message"`
	Value      int        `json:"value"`
	BeganAt    time.Time  `json:"began_at"`
	FiredAt    time.Time  `json:"fired_at"`
	EndedAt    *time.Time `json:"ended_at"` // null while it lasts
	Outcome    *string    `json:"outcome"`  // why it ended, if its rule did not end it: rule removed
	Unsent     *string    `json:"unsent"`   // why it was not sent: old or cooldown
	AckedAt    *time.Time `json:"acked_at"`
	AckedBy    *string    `json:"acked_by"`
	Deliveries []Delivery `json:"deliveries"`
}

// Page is a page of alarms.
type Page struct {
	Alarms []Alarm  `json:"alarms"`
	Rules  []string `json:"rules"`          // names of the rules of the configuration, and of those that there are alarms of
	Next   string   `json:"next,omitempty"` // cursor of the next page
}

var (
	rule  = route.Param{Name: "rule", Type: "", MaxLength: 64, Help: "Only of this rule."}
	state = route.Param{Name: "state", Type: "", Enum: []string{"open", "over", "unacknowledged"}, Help: "Only those that last, are over, or nobody has acknowledged."}
	id    = route.Param{Name: "id", Type: "", Required: true, MaxLength: 64, Pattern: "^[0-9a-f]{24}$", Help: "The alarm."}
)

// Routes returns the routes of the API.
func Routes(c Config) []route.Route {
	list := route.Doc{
		Summary: "Alarms, the newest first", Params: []route.Param{answer.Camera, rule, state, answer.Since, answer.Until, answer.Limit(50, 500), answer.Cursor},
		Help: "since and until are of the beginning.", Answers: []route.Answer{
			{Status: http.StatusOK, Type: Page{}}, {Status: http.StatusNotFound, Help: "There is no such camera or rule."},
			{Status: http.StatusUnprocessableEntity, Help: "since is not before until, or the cursor is of another question."},
		},
	}
	ack := route.Doc{
		Summary: "Acknowledge an alarm", Params: []route.Param{id},
		Help:    "Who was first, and when, stays.",
		Answers: []route.Answer{{Status: http.StatusOK, Type: Alarm{}}, {Status: http.StatusNotFound, Help: "There is no such alarm."}},
	}
	return []route.Route{
		{Pattern: "GET /api/v1/alarms", Role: route.Reader, Doc: &list, Handler: answer.Checked(list.Params,
			func(w http.ResponseWriter, r *http.Request, v answer.Values) error { return serve(w, r, v, c) })},
		{Pattern: "POST /api/v1/alarms/{id}/ack", Role: route.Admin, Doc: &ack, Handler: answer.Checked(ack.Params,
			func(w http.ResponseWriter, r *http.Request, v answer.Values) error {
				return acknowledge(w, r, v, c.DB, c.Write())
			})},
		testRoute(c),
	}
}

// place is the key of an alarm in the order of the list.
type place struct {
	At  time.Time
	Seq int64
}

const columns = `SELECT a.seq, a.id, a.rule, a.kind, a.subject, a.camera, a.run, a.track_id, a.message, a.value, a.began_at, a.fired_at, a.ended_at,
	a.outcome, a.unsent, a.acked_at, a.acked_by, coalesce((SELECT jsonb_agg(jsonb_build_object('receiver', d.receiver, 'event', d.event,
		'state', CASE WHEN d.sent_at IS NOT NULL THEN 'sent' WHEN d.dead_at IS NOT NULL THEN 'dead' ELSE 'waiting' END,
		'attempts', d.attempts, 'error', d.error, 'sent_at', d.sent_at) ORDER BY d.receiver, d.id)
		FROM alarm_deliveries d WHERE d.alarm_id = a.id), '[]')
	FROM alarms a `

func scan(row pgx.CollectableRow, seq *int64) (a Alarm, err error) {
	err = row.Scan(seq, &a.ID, &a.Rule, &a.Kind, &a.Subject, &a.Camera, &a.Run, &a.TrackID, &a.Message, &a.Value, &a.BeganAt, &a.FiredAt,
		&a.EndedAt, &a.Outcome, &a.Unsent, &a.AckedAt, &a.AckedBy, &a.Deliveries)
	a.BeganAt, a.FiredAt = a.BeganAt.UTC(), a.FiredAt.UTC()
	for _, t := range []*time.Time{a.EndedAt, a.AckedAt} {
		if t != nil {
			*t = t.UTC()
		}
	}
	return a, err
}

// serve answers with a page of alarms.
func serve(w http.ResponseWriter, r *http.Request, v answer.Values, c Config) error {
	since, until, err := v.SpanToEnd()
	if err != nil {
		return err
	}
	after := place{At: answer.Forever}
	if _, err := v.ReadCursor(&after); err != nil {
		return err
	}
	var page Page
	var last place
	err = c.DB.Ask(r.Context(), func(ctx context.Context, pool *pgxpool.Pool) error {
		if err := c.exist(ctx, pool, v); err != nil {
			return err
		}
		rows, err := pool.Query(ctx, columns+`WHERE a.began_at >= $1 AND a.began_at < $2 AND ($3 = '' OR a.camera = $3) AND ($4 = '' OR a.rule = $4)
			AND CASE $5 WHEN 'open' THEN a.ended_at IS NULL WHEN 'over' THEN a.ended_at IS NOT NULL
				WHEN 'unacknowledged' THEN a.acked_at IS NULL ELSE true END
			AND (a.began_at, a.seq) < ($6, $7) ORDER BY a.began_at DESC, a.seq DESC LIMIT $8`,
			since, until, v.Text("camera"), v.Text("rule"), v.Text("state"), after.At, after.Seq, v.Int("limit"))
		if err != nil {
			return err
		}
		page.Alarms, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Alarm, err error) {
			a, err = scan(row, &last.Seq)
			last.At = a.BeganAt
			return a, err
		})
		if err != nil {
			return err
		}
		names, err := pool.Query(ctx, "SELECT rule FROM alarms UNION SELECT unnest($1::text[])", c.Rules)
		if err != nil {
			return err
		}
		page.Rules, err = pgx.CollectRows(names, pgx.RowTo[string])
		natural.Sort(page.Rules)
		return err
	})
	if err != nil {
		return err
	}
	if len(page.Alarms) == v.Int("limit") {
		if page.Next, err = answer.MakeCursor(v, last); err != nil {
			return err
		}
		answer.Next(w, r, page.Next)
	}
	return answer.JSON(w, r, page)
}

// exist checks that what a request names is there.
func (c *Config) exist(ctx context.Context, pool *pgxpool.Pool, v answer.Values) error {
	var cameras []string
	if c.Cameras != nil {
		cameras = c.Cameras()
	}
	if err := query.CheckName(ctx, pool, "--camera", v.Text("camera"), query.CamerasOfAlarms, cameras...); err != nil {
		return err
	}
	return query.CheckName(ctx, pool, "--rule", v.Text("rule"), query.RulesOfAlarms, c.Rules...)
}

// acknowledge notes who has seen an alarm, and answers with it.
func acknowledge(w http.ResponseWriter, r *http.Request, v answer.Values, db *answer.Database, pool *pgxpool.Pool) error {
	by := auth.Of(r.Context()).Name
	if by == "" {
		by = "page" // on loopback nobody logs in
	}
	ctx, cancel := context.WithTimeout(r.Context(), answer.TimeLimit)
	defer cancel()
	if _, err := pool.Exec(ctx, "UPDATE alarms SET acked_at = now(), acked_by = $2 WHERE id = $1 AND acked_at IS NULL", v.Text("id"), by); err != nil {
		return err
	}
	var a Alarm
	err := db.Ask(r.Context(), func(ctx context.Context, pool *pgxpool.Pool) error {
		rows, err := pool.Query(ctx, columns+"WHERE a.id = $1", v.Text("id"))
		if err != nil {
			return err
		}
		var seq int64
		a, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (Alarm, error) { return scan(row, &seq) })
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return answer.Refuse(http.StatusNotFound, fmt.Sprintf("there is no alarm %s", v.Text("id")), "GET api/v1/alarms lists them")
	}
	if err != nil {
		return err
	}
	return answer.JSON(w, r, a)
}

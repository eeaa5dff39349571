package alarms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/web/alarms"
	"github.com/sightlog/sightlog/web/answer"
)

// site serves the routes on a database with twelve alarms of two rules.
type site struct {
	testing.TB
	mux  *http.ServeMux
	pool *pgxpool.Pool
	db   *answer.Database
}

func newSite(t testing.TB) *site {
	t.Helper()
	pool := pgtest.Open(t)
	s := &site{TB: t, mux: http.NewServeMux(), pool: pool, db: answer.NewDatabase(pool, 2, time.Minute)}
	cfg := alarms.Config{DB: s.db, Write: func() *pgxpool.Pool { return pool }, Rules: []string{"night", "yet"}, Test: func(_ context.Context, rule string) ([]alarms.Tested, error) {
		if rule != "night" {
			return nil, answer.Refuse(http.StatusNotFound, "no rule "+rule, "")
		}
		return []alarms.Tested{{Receiver: "hook", Taken: true}, {Receiver: "mail", Error: "refused"}}, nil
	}, Cameras: func() []string { return []string{"gate"} }}
	for _, r := range alarms.Routes(cfg) {
		s.mux.Handle(r.Pattern, r.Handler)
	}
	for _, sql := range []string{
		`INSERT INTO alarms (id, rule, kind, subject, camera, message, value, began_at, fired_at, ended_at, unsent)
			SELECT lpad(to_hex(n), 24, '0'), CASE WHEN n % 3 = 0 THEN 'full' ELSE 'night' END, 'presence', 'door', CASE WHEN n % 2 = 0 THEN 'door' ELSE 'yard' END,
			'somebody', n, timestamptz '2026-11-25 10:00Z' + n / 3 * interval '1 h', '2026-11-25 20:00Z', CASE WHEN n > 2 THEN timestamptz '2026-11-25 21:00Z' END,
			CASE WHEN n = 5 THEN 'old' END FROM generate_series(1, 12) n`,
		`INSERT INTO alarm_deliveries (receiver, message_id, alarm_id, event, payload, due, sent_at, dead_at, attempts, error)
			SELECT r, a.id || '.began', a.id, 'began', '{}', now(), CASE WHEN r = 'hook' THEN timestamptz '2026-11-25 20:00Z' END, NULL, 1, CASE WHEN r = 'mail' THEN 'refused' END
			FROM alarms a, unnest('{mail,hook}'::text[]) r WHERE unsent IS NULL`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	return s
}

func (s *site) do(method, path string, into any) *httptest.ResponseRecorder {
	s.Helper()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	if into != nil {
		require.Equal(s, http.StatusOK, w.Code, "%s: %s", path, w.Body)
		require.NoError(s, json.Unmarshal(w.Body.Bytes(), into))
	}
	return w
}

// A list by pages has each alarm once, also of those that began at one moment.
func TestList_FiltersByPages_EachAlarmOnceNewestFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for query, want := range map[string]int{
		"limit=5": 12, "limit=1": 12, "limit=2&rule=full": 4, "limit=4&camera=door": 6, "limit=2&state=open": 2, "limit=3&state=over": 10,
		"limit=100&since=2026-11-25T11:00:00Z&until=2026-11-25T12:00:00Z": 3, "limit=9&state=unacknowledged": 12, "limit=9&rule=yet": 0, "limit=9&camera=gate": 0,
	} {
		seen := make(map[string]bool)
		last := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		for cursor := ""; ; {
			var page alarms.Page
			w := s.do(http.MethodGet, "/api/v1/alarms?"+query+cursor, &page)
			require.NotNil(t, page.Alarms)
			require.Equal(t, []string{"full", "night", "yet"}, page.Rules)
			for _, a := range page.Alarms {
				require.False(t, seen[a.ID], a.ID)
				require.False(t, a.BeganAt.After(last))
				seen[a.ID], last = true, a.BeganAt
			}
			require.Equal(t, page.Next != "", w.Header().Get("Link") != "")
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(page.Next)
		}
		require.Len(t, seen, want, query)
	}
}

func TestList_NameThatIsNotThere_NotFoundWithThoseThatAre(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for query, want := range map[string]string{
		"rule=nigt": `rule \"nigt\" is neither in the database nor in the configuration`, "camera=kitchen": "there is door, gate, yard",
	} {
		w := s.do(http.MethodGet, "/api/v1/alarms?"+query, nil)
		require.Equal(t, http.StatusNotFound, w.Code, w.Body)
		require.Contains(t, w.Body.String(), want)
		require.NotContains(t, w.Body.String(), "--")
	}
}

func TestAck_Twice_TheFirstStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := fmt.Sprintf("/api/v1/alarms/%024x/ack", 4)
	var first, second alarms.Alarm
	s.do(http.MethodPost, path, &first)
	require.NotNil(t, first.AckedAt)
	require.Equal(t, "page", *first.AckedBy)
	require.Len(t, first.Deliveries, 2)
	require.Equal(t, []string{"hook", "sent", "mail", "waiting"},
		[]string{first.Deliveries[0].Receiver, first.Deliveries[0].State, first.Deliveries[1].Receiver, first.Deliveries[1].State})
	require.Equal(t, "refused", *first.Deliveries[1].Error)
	s.do(http.MethodPost, path, &second)
	require.Equal(t, first, second)
	var page alarms.Page
	s.do(http.MethodGet, "/api/v1/alarms?state=unacknowledged", &page)
	require.Len(t, page.Alarms, 11)
}

func TestRoutes_Mistakes_ProblemInWords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, want := range map[string]int{
		"GET /api/v1/alarms?state=loud":                    http.StatusBadRequest,
		"GET /api/v1/alarms?sql=1":                         http.StatusBadRequest,
		"GET /api/v1/alarms?limit=0":                       http.StatusBadRequest,
		"GET /api/v1/alarms?cursor=e30":                    http.StatusUnprocessableEntity,
		"GET /api/v1/alarms?since=yesterday":               http.StatusBadRequest,
		"POST /api/v1/alarms/x'%20OR%20true/ack":           http.StatusBadRequest,
		"POST /api/v1/alarms/0123456789abcdef01234567/ack": http.StatusNotFound,
		"POST /api/v1/alarms/none/test":                    http.StatusNotFound,
	} {
		var method, at string
		_, err := fmt.Sscan(path, &method, &at)
		require.NoError(t, err)
		w := s.do(method, at, nil)
		require.Equal(t, want, w.Code, "%s: %s", path, w.Body)
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	}
}

func TestTest_Rule_WhatEachReceiverSaid(t *testing.T) {
	t.Parallel()
	var said alarms.Test
	newSite(t).do(http.MethodPost, "/api/v1/alarms/night/test", &said)
	require.Equal(t, alarms.Test{Receivers: []alarms.Tested{{Receiver: "hook", Taken: true}, {Receiver: "mail", Error: "refused"}}}, said)
}

// Who listens is told of each change, once, and of none from before.
func TestEvents_Changes_EachOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	told := make(chan string, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		alarms.Events(s.db).Run(ctx, func(camera string, data any) {
			a := data.(*alarms.Alarm)
			told <- fmt.Sprint(camera, " ", a.ID[22:], " ", a.EndedAt != nil, " ", a.AckedAt != nil)
		})
	}()
	// The first look has been when a change is told; until then it is made again.
	for n := 0; len(told) == 0; n++ {
		_, err := s.pool.Exec(ctx, "UPDATE alarms SET value = value + 1 WHERE id = lpad('1', 24, '0')")
		require.NoError(t, err)
		require.Less(t, n, 100)
		select {
		case v := <-told:
			told <- v
		case <-time.After(100 * time.Millisecond):
		}
	}
	for len(told) > 0 || !quiet(t, told) {
		require.Equal(t, "yard 01 false false", <-told)
	}
	for _, sql := range []string{
		"UPDATE alarms SET ended_at = began_at WHERE id = lpad('2', 24, '0')",
		"INSERT INTO alarms (id, rule, kind, subject, message, value, began_at, fired_at) VALUES (lpad('ff', 24, '0'), 'r', 'queue', 'hall', 'm', 1, now(), now())",
	} {
		_, err := s.pool.Exec(ctx, sql)
		require.NoError(t, err)
	}
	require.Equal(t, "door 02 true false", <-told)
	require.Equal(t, " ff false false", <-told)
	s.do(http.MethodPost, fmt.Sprintf("/api/v1/alarms/%024x/ack", 7), nil)
	require.Equal(t, "yard 07 true true", <-told)
	stop()
	<-ended
	require.Empty(t, told)
}

// quiet reports whether nothing comes for longer than two looks.
func quiet(t *testing.T, told chan string) bool {
	t.Helper()
	select {
	case v := <-told:
		told <- v
		return false
	case <-time.After(2500 * time.Millisecond):
		return true
	}
}

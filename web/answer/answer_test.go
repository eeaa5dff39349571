package answer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
)

// get answers a request to a route whose function returns a value and an error.
func get(t *testing.T, log *slog.Logger, v any, err error, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	rt := answer.Get("GET /x", route.Doc{}, func(*http.Request, answer.Values) (any, error) { return v, err })
	mux := http.NewServeMux()
	mux.Handle(rt.Pattern, answer.Logged(rt.Handler, log))
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func TestGet_SameValue_NotModifiedByItsETag(t *testing.T) {
	t.Parallel()
	first := get(t, slog.Default(), map[string]int{"n": 1}, nil)
	require.Equal(t, http.StatusOK, first.Code)
	require.Equal(t, "{\"n\":1}\n", first.Body.String())
	require.Equal(t, "application/json", first.Header().Get("Content-Type"))
	tag := first.Header().Get("ETag")
	for _, known := range []string{tag, `"other", ` + tag, tag[2:], "*"} {
		again := get(t, slog.Default(), map[string]int{"n": 1}, nil, "If-None-Match", known)
		require.Equal(t, http.StatusNotModified, again.Code, known)
		require.Empty(t, again.Body.String())
		require.Equal(t, tag, again.Header().Get("ETag"))
	}
	changed := get(t, slog.Default(), map[string]int{"n": 2}, nil, "If-None-Match", tag)
	require.Equal(t, http.StatusOK, changed.Code)
	require.NotEqual(t, tag, changed.Header().Get("ETag"))
}

func TestError_Kinds_StatusAndWordsButNoSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		detail string
		after  string
	}{
		"usage":   {usage.New("give a second at least", "--min-dwell %s", "x"), 400, "min-dwell x", ""},
		"name":    {usage.Wrap(query.ErrNoName, "there is porch", "--camera \"x\" is not in the database"), 404, `camera "x" is not in the database`, ""},
		"refusal": {answer.Refuse(422, "no", ""), 422, "no", ""},
		"timeout": {fmt.Errorf("ask: %w", &pgconn.PgError{Code: "57014"}), 504, "the answer takes too long", ""},
		"wrapped": {usage.Wrap(&pgconn.PgError{Code: "57014"}, "", "the database: canceled"), 504, "the answer takes too long", ""},
		"down":    {&pgconn.PgError{Code: "57P03"}, 503, "the database cannot be reached", "5"},
		"unknown": {errors.New("postgres://user:secret@host"), 500, "something went wrong; the log of sightlog says what", ""},
	} {
		var log bytes.Buffer
		w := get(t, slog.New(slog.NewTextHandler(&log, nil)), nil, c.err)
		require.Equal(t, c.status, w.Code, name)
		require.Equal(t, problem.ContentType, w.Header().Get("Content-Type"), name)
		require.Equal(t, c.after, w.Header().Get("Retry-After"), name)
		var p problem.Problem
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), name)
		require.Equal(t, c.detail, p.Detail, name)
		require.NotContains(t, w.Body.String(), "secret", name)
		require.Equal(t, c.status == 500, log.Len() > 0, "%s: %s", name, &log)
	}
}

func pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db, err := postgres.Open(t.Context(), pgtest.URL(t), postgres.Options{ReadOnly: true})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// running counts the statements of other sessions in the database.
const running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"

func sleep(ctx context.Context, db *pgxpool.Pool) error {
	_, err := db.Exec(ctx, "SELECT pg_sleep(600)")
	return err
}

// The time limit, and a client that goes, end the statement in the server.
func TestDatabase_TimeIsUpOrClientGone_StatementEndsInTheServer(t *testing.T) {
	t.Parallel()
	db := pool(t)
	err := answer.NewDatabase(db, 2, 50*time.Millisecond).Ask(t.Context(), sleep)
	w := get(t, slog.Default(), nil, err)
	require.Equal(t, http.StatusGatewayTimeout, w.Code, "%v", err)

	ctx, gone := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- answer.NewDatabase(db, 2, time.Hour).Ask(ctx, sleep) }()
	require.Eventually(t, func() bool { return count(t, db) == 1 }, time.Minute, 5*time.Millisecond)
	gone()
	require.Error(t, <-done)
	require.Eventually(t, func() bool { return count(t, db) == 0 }, time.Minute, 5*time.Millisecond)
}

func count(t *testing.T, db *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRow(t.Context(), running).Scan(&n))
	return n
}

func TestDatabase_MoreThanAtOnce_WaitAndAreRefused(t *testing.T) {
	t.Parallel()
	d := answer.NewDatabase(nil, 1, time.Hour)
	asking, end := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- d.Ask(t.Context(), func(context.Context, *pgxpool.Pool) error { close(asking); <-end; return nil })
	}()
	<-asking
	err := d.Ask(t.Context(), func(context.Context, *pgxpool.Pool) error { return errors.New("two at once") })
	w := get(t, slog.Default(), nil, err)
	require.Equal(t, http.StatusServiceUnavailable, w.Code, "%v", err)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	close(end)
	require.NoError(t, <-first)
	require.NoError(t, d.Ask(t.Context(), func(context.Context, *pgxpool.Pool) error { return nil }))
}

func TestDatabase_Away_RetryAfter(t *testing.T) {
	t.Parallel()
	cfg, err := pgxpool.ParseConfig("postgres://nobody@127.0.0.1:1/none")
	require.NoError(t, err)
	away, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	defer away.Close()
	err = answer.NewDatabase(away, 1, time.Hour).Ask(t.Context(), sleep)
	w := get(t, slog.Default(), nil, err)
	require.Equal(t, http.StatusServiceUnavailable, w.Code, "%v", err)
	require.Equal(t, "5", w.Header().Get("Retry-After"))
}

func TestNext_Link_HasTheParametersAndTheCursor(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	answer.Next(w, httptest.NewRequest(http.MethodGet, "/api/v1/x?camera=porch&cursor=old", nil), "new")
	require.Equal(t, `</api/v1/x?camera=porch&cursor=new>; rel="next"`, w.Header().Get("Link"))
}

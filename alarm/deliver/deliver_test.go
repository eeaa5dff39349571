package deliver_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/deliver"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// short are pauses for tests: a receiver that is down for an hour is one that fails often.
var short = backoff.Policy{First: time.Millisecond, Limit: 20 * time.Millisecond}

func start(t *testing.T, pool *pgxpool.Pool, change func(*deliver.Config), to ...rule.Receiver) (d *deliver.Deliverer, stop func()) {
	t.Helper()
	for i := range to {
		if to[i].GiveUp == 0 {
			to[i].GiveUp = time.Hour
		}
	}
	cfg := deliver.Config{Receivers: to, Pool: pool, Pauses: short, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&cfg)
	}
	d, err := deliver.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return d, stop
}

// enqueue writes alarms and a message of each to a receiver.
func enqueue(t *testing.T, pool *pgxpool.Pool, receiver string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		_, err := pool.Exec(t.Context(), `INSERT INTO alarms (id, rule, kind, subject, camera, message, value, began_at, fired_at)
			VALUES ($1, 'night', 'presence', 'door/mat', 'door', '1 x person', 1, now(), now()) ON CONFLICT DO NOTHING`, id)
		require.NoError(t, err)
		payload := fmt.Sprintf(`{"id":%q,"event":"began","rule":"night","kind":"presence","subject":"door/mat","camera":"door","message":"1 x person","began_at":"2026-11-27T22:00:00Z"}`, id)
		_, err = pool.Exec(t.Context(), `INSERT INTO alarm_deliveries (receiver, message_id, alarm_id, event, payload, due)
			VALUES ($1, $2 || '.began', $2, 'began', $3, now())`, receiver, id, payload)
		require.NoError(t, err)
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	testenv.Await(t, what, ok)
}

func awaitSent(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	await(t, "the messages to be sent", func() bool {
		return pgtest.Lines(t, pool, "SELECT count(sent_at) FROM alarm_deliveries")[0] == fmt.Sprint(n)
	})
}

// server is an HTTP server that can be down.
type server struct {
	t    *testing.T
	addr string

	mu     sync.Mutex // guards the following
	got    []request
	status func(n int) int // of the n-th request
	http   *http.Server
}

type request struct {
	header http.Header
	body   string
}

func newServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{t: t, addr: l.Addr().String(), status: func(int) int { return http.StatusNoContent }}
	require.NoError(t, l.Close()) // it is down
	return s
}

func (s *server) up() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.addr)
	require.NoError(s.t, err)
	s.http = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, request{r.Header, string(b)})
		status := s.status(len(s.got))
		s.mu.Unlock()
		w.WriteHeader(status)
	})}
	go func() { _ = s.http.Serve(l) }()
	s.t.Cleanup(func() { _ = s.http.Close() })
}

func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// verify is the check of a signature as a receiver does it, from the specification.
func verify(t *testing.T, secret string, r request) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(r.header.Get("webhook-id") + "." + r.header.Get("webhook-timestamp") + "." + r.body))
	version, sum, _ := strings.Cut(r.header.Get("webhook-signature"), ",")
	require.Equal(t, "v1", version)
	require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), sum)
}

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func webhookTo(t *testing.T, s *server) rule.Receiver {
	t.Helper()
	t.Setenv("HOOK", secret)
	return rule.Receiver{Name: "hook", Kind: rule.Webhook, Where: "http://" + s.addr + "/alarms", Secret: rule.Secret{Env: "HOOK"}}
}

// A receiver that is down, then fails, and is up again gets each message, in order, signed,
// with one id in all tries.
func TestDeliver_WebhookThatIsDownForLong_EachMessageInOrder(t *testing.T) {
	pool := pgtest.Open(t)
	s := newServer(t)
	ids := []string{"a1", "b2", "c3"}
	enqueue(t, pool, "hook", ids...)
	d, _ := start(t, pool, nil, webhookTo(t, s))
	await(t, "some tries in vain", func() bool {
		return pgtest.Lines(t, pool, "SELECT count(*) FROM alarm_deliveries WHERE attempts > 3")[0] == "1"
	})
	require.Len(t, d.Problems(), 1)
	require.NotContains(t, d.Problems()[0], "/alarms", "an address may be as good as a password")
	require.Equal(t, []string{"0"}, pgtest.Lines(t, pool, "SELECT sum(attempts) FROM alarm_deliveries WHERE message_id <> 'a1.began'"), "they keep their order")
	s.status = func(n int) int {
		return map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusOK}[n <= 3]
	}
	s.up()
	awaitSent(t, pool, 3)
	var order []string
	for _, r := range s.requests() {
		verify(t, secret, r)
		order = append(order, r.header.Get("webhook-id"))
		require.True(t, json.Valid([]byte(r.body)))
	}
	require.Equal(t, []string{"a1.began", "a1.began", "a1.began", "a1.began", "b2.began", "c3.began"}, order)
	require.Empty(t, d.Problems())
}

// Whoever of several processes sends, and whenever one is stopped, each message is sent.
func TestDeliver_SeveralProcesses_EachMessageOnce(t *testing.T) {
	pool := pgtest.Open(t)
	s := newServer(t)
	s.up()
	to := webhookTo(t, s)
	_, stop := start(t, pool, nil, to)
	start(t, pool, nil, to)
	var ids []string
	for i := range 50 {
		ids = append(ids, fmt.Sprintf("alarm-%02d", i))
	}
	enqueue(t, pool, "hook", ids[:25]...)
	stop()
	enqueue(t, pool, "hook", ids[25:]...)
	awaitSent(t, pool, 50)
	var got []string
	for _, r := range s.requests() {
		got = append(got, strings.TrimSuffix(r.header.Get("webhook-id"), ".began"))
	}
	require.Equal(t, ids, slices.Compact(got))
}

// A message that the receiver refuses for what it is, or that has failed for too long, is
// dead, and does not stop those behind it.
func TestDeliver_RefusedOrTooOld_Dead(t *testing.T) {
	pool := pgtest.Open(t)
	s := newServer(t)
	s.status = func(n int) int { return []int{http.StatusBadRequest, http.StatusBadGateway, http.StatusOK}[n-1] }
	s.up()
	enqueue(t, pool, "hook", "a1", "b2", "c3")
	_, err := pool.Exec(t.Context(), "UPDATE alarm_deliveries SET created_at = now() - interval '2 h' WHERE message_id = 'b2.began'")
	require.NoError(t, err)
	start(t, pool, nil, webhookTo(t, s))
	awaitSent(t, pool, 1)
	require.Equal(t, []string{"a1.began refused with status 400", "b2.began status 502"},
		pgtest.Lines(t, pool, "SELECT message_id || ' ' || error FROM alarm_deliveries WHERE dead_at IS NOT NULL ORDER BY id"))
}

func TestDeliver_NTFY_TextTitleAndToken(t *testing.T) {
	pool := pgtest.Open(t)
	s := newServer(t)
	s.up()
	t.Setenv("NTFY", "tk_secret")
	enqueue(t, pool, "phone", "a1")
	start(t, pool, nil, rule.Receiver{Name: "phone", Kind: rule.NTFY, Where: "http://" + s.addr + "/home", Secret: rule.Secret{Env: "NTFY"}})
	awaitSent(t, pool, 1)
	r := s.requests()[0]
	require.Equal(t, []string{"sightlog: night began", "a1", "high", "Bearer tk_secret"},
		[]string{r.header.Get("Title"), r.header.Get("X-Sequence-ID"), r.header.Get("Priority"), r.header.Get("Authorization")})
	require.Contains(t, r.body, "1 x person\nsince 2026-11-27T22:00:00Z")
}

func TestNew_SecretThatIsNotThere_OneLine(t *testing.T) {
	_, err := deliver.New(deliver.Config{Receivers: []rule.Receiver{{Name: "hook", Kind: rule.Webhook, Where: "http://127.0.0.1", Secret: rule.Secret{Env: "SIGHTLOG_TEST_NONE"}}}})
	require.ErrorContains(t, err, "receiver hook: the environment has no SIGHTLOG_TEST_NONE; correct it")
}

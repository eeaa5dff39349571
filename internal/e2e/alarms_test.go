package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// hook is a receiver of webhooks that is down until up is called.
type hook struct {
	addr string

	mu       sync.Mutex // guards the following
	busy     int        // so many requests are refused
	messages []string   // ids of those that were taken
	alarms   []string   // and of their alarms
}

func (h *hook) up(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", h.addr)
	require.NoError(t, err)
	s := &http.Server{Handler: h, ReadHeaderTimeout: limit}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ ID, Event string }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil || h.busy > 0 {
		h.busy--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.messages, h.alarms = append(h.messages, r.Header.Get("Webhook-Id")), append(h.alarms, m.ID)
}

func (h *hook) taken() (messages, alarms []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.messages...), append([]string{}, h.alarms...)
}

// alarmFile writes a configuration with rules, and a receiver at an address.
func alarmFile(t *testing.T, addr string) string {
	t.Helper()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("a secret of this test"), 0o600))
	file := filepath.Join(dir, "alarms.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `cameras:
  door:
    lines: {gate: [[0.5, 0], [0.5, 1]]}
alarms:
  crossed: crossing of door/gate
  somebody: {when: person in door for 1s, clear: 2s}
receivers:
  hook: {webhook: "http://%s/", secret-file: %s}
`, addr, secret), 0o600))
	return file
}

// awaitNumber asks until a number is reached.
func awaitNumber(t *testing.T, dir, sql string, ok func(n int) bool) (n int) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		r := do(t, sightlogd, "query", "sql", "--data", dir, "--format", "csv", sql)
		if _, err := fmt.Sscanf(r.stdout, "n\n%d", &n); r.code == 0 && err == nil && ok(n) { // the database may just be coming back
			return n
		}
	}
	require.FailNow(t, "it does not come", "%s is %d", sql, n)
	return 0
}

// The receiver is down, the process that found the alarms is killed before it could send
// them, then the database; when the receiver is there again it gets each message once, and
// a replay makes none anew.
func TestAlarms_KilledBeforeDelivery_EachArrivesWithOneID(t *testing.T) {
	t.Parallel()
	h := &hook{addr: testenv.FreeAddr(t), busy: 2}
	file, dir := alarmFile(t, h.addr), dataDir(t)
	const waiting = "select count(*) as n from alarm_deliveries where sent_at is null and dead_at is null"
	run := []string{"run", "--config", file, "--data", dir, "--source", "door=test://people?size=320x240&people=3&fps=10&frames=1000000"}

	p := start(t, sightlog, run...)
	endpoints(t, dir, p)
	n := awaitNumber(t, dir, waiting, func(n int) bool { return n >= 3 })
	p.kill()

	p = start(t, sightlog, run...)
	_, url := endpoints(t, dir, p)
	require.GreaterOrEqual(t, number(t, []string{"--data", dir}, waiting), n, "what was to be sent is still there")
	n = awaitNumber(t, dir, waiting, func(now int) bool { return now >= n+3 })
	if pid := postmaster(t, url); pid > 1 {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	awaitNumber(t, dir, waiting, func(now int) bool { return now >= n+2 })
	require.Zero(t, p.stop(t).code, p.output)
	messages, _ := h.taken()
	require.Empty(t, messages)

	h.up(t)
	serve := start(t, sightlogd, "serve", "--config", file, "--data", dir)
	endpoints(t, dir, serve)
	awaitNumber(t, dir, waiting, func(n int) bool { return n == 0 })
	compare := func() {
		t.Helper()
		from := []string{"--data", dir}
		var want, wantAlarms []string
		for _, r := range rows(t, from, "select message_id, alarm_id from alarm_deliveries order by id") {
			want, wantAlarms = append(want, r["message_id"].(string)), append(wantAlarms, r["alarm_id"].(string))
		}
		messages, alarms := h.taken()
		require.Equal(t, want, messages, "each once, in order")
		require.Equal(t, wantAlarms, alarms)
		require.Zero(t, number(t, from, `select count(*) from alarms a where unsent is null
			and (select count(*) from alarm_deliveries d where d.alarm_id = a.id and event = 'began') <> 1`))
		require.Equal(t, number(t, from, "select count(*) from crossings"), number(t, from, "select count(*) from alarms where rule = 'crossed'"))
	}
	compare()
	require.Contains(t, h.messages[0], ".began")

	before := number(t, []string{"--data", dir}, "select count(*) from alarms")
	require.Contains(t, ok(t, sightlogd, "replay", "--data", dir), "rebuilt")
	require.Equal(t, before, number(t, []string{"--data", dir}, "select count(*) from alarms"))
	require.Zero(t, number(t, []string{"--data", dir}, waiting), "a replay sends nothing")
	compare()
	require.Zero(t, serve.stop(t).code, serve.output)
}

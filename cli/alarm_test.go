package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// alarmCommand runs a command of alarm with a configuration.
func alarmCommand(t *testing.T, config string, args ...string) (stdout string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	var out, messages bytes.Buffer
	env := &Env{Name: "sightlogd", Stdout: &out, Stderr: &messages}
	err = run(t.Context(), env, &Services{}, append([]string{"alarm", "--config", file}, args...))
	return out.String(), err
}

func TestAlarmTest_Receivers_EachSaysWhetherItTakesIt(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 9)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies <- r.Header.Get("Webhook-Id") + " " + string(b)
		if r.URL.Path == "/full" {
			w.WriteHeader(http.StatusInsufficientStorage)
		}
	}))
	t.Cleanup(hook.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("a secret"), 0o600))
	receiver := func(name, path string) string {
		return "  " + name + ": {webhook: '" + hook.URL + path + "', secret-file: " + secret + "}\n"
	}
	file := "receivers:\n" + receiver("good", "/") + receiver("full", "/full") +
		"alarms:\n  night: {when: person in door between 22:00 and 06:00, to: [good]}\n  any: person in door\n"

	out, err := alarmCommand(t, file, "test", "night")
	require.NoError(t, err)
	require.Equal(t, "good has taken the test\n", out)
	got := <-bodies
	require.Regexp(t, `^[0-9a-f]{24}\.test \{`, got)
	require.Contains(t, got, `"event":"test","rule":"night","kind":"presence","subject":"door"`)

	out, err = alarmCommand(t, file, "test", "any")
	require.ErrorContains(t, err, "receiver full does not take it: status 507")
	require.Equal(t, 1, ExitCode(err))
	require.NotContains(t, err.Error(), "secret")
	require.Equal(t, "good has taken the test\n", out)

	_, err = alarmCommand(t, file, "test", "full")
	require.ErrorContains(t, err, "receiver full does not take it")
	for want, args := range map[string][2]string{
		`no rule and no receiver is named "nigt"; there is any, night, full, good`: {file, "nigt"},
		"the configuration has no alarms and no receivers":                         {"data: here\n", "night"},
		"rule any has no receiver":                                                 {"alarms: {any: person in door}\n", "any"},
	} {
		_, err := alarmCommand(t, args[0], "test", args[1])
		require.ErrorContains(t, err, want)
		require.Equal(t, 2, ExitCode(err), want)
	}
}

func TestAlarmList_FiltersAndDeliveries_AsInTheTables(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := pgtest.Pool(t, url)
	for _, sql := range []string{
		`INSERT INTO alarms (id, rule, kind, subject, camera, message, value, began_at, fired_at, ended_at, unsent)
			SELECT 'a' || n, CASE WHEN n < 3 THEN 'night' ELSE 'full' END, 'presence', 'door', 'door', 'somebody', n,
			timestamptz '2026-11-25 10:00Z' + n * interval '1 h', '2026-11-25 20:00Z', CASE WHEN n <> 2 THEN timestamptz '2026-11-25 21:00Z' END,
			CASE WHEN n = 3 THEN 'old' END FROM generate_series(1, 3) n`,
		`INSERT INTO alarm_deliveries (receiver, message_id, alarm_id, event, payload, due, sent_at, dead_at, error)
			SELECT r, a.id || '.began', a.id, 'began', '{}', now(), CASE WHEN r = 'hook' THEN now() END, CASE WHEN a.id = 'a1' AND r = 'mail' THEN now() END,
			CASE WHEN a.id = 'a1' AND r = 'mail' THEN 'refused with status 422' END
			FROM alarms a, unnest('{hook,mail}'::text[]) r WHERE unsent IS NULL`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	for args, want := range map[string][]string{
		"":                                   {"a3", "a2", "a1"},
		"--rule night":                       {"a2", "a1"},
		"--open":                             {"a2"},
		"--camera door":                      {"a3", "a2", "a1"},
		"--limit 1":                          {"a3"},
		"--since 2026-11-25T12:00:00Z":       {"a3", "a2"},
		"--until 2026-11-25T12:00:00Z":       {"a1"},
		"--rule night --open --camera door ": {"a2"},
	} {
		flags := append([]string{"list", "--format", "csv", "--database-url", url}, strings.Fields(args)...)
		out, err := alarmCommand(t, "", flags...)
		require.NoError(t, err, args)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Equal(t, "began_at,ended_at,rule,subject,value,message,sent,acked_by,outcome,id", lines[0])
		require.Len(t, lines, len(want)+1, args)
		for i, id := range want {
			require.True(t, strings.HasSuffix(lines[i+1], ","+id), lines[i+1])
			sent := map[string]string{"a1": `"hook: sent, mail: dead (refused with status 422)"`, "a2": `"hook: sent, mail: waiting"`, "a3": "old"}[id]
			require.Contains(t, lines[i+1], ",somebody,"+sent+",", args)
		}
	}
	const file = "cameras: {till: {fps: 2}}\nalarms: {queue: camera till blind for 5m}\n"
	for args, want := range map[string]string{
		"--limit 0":                  "--limit 0; give 1 or more",
		"--rule nigt":                `--rule "nigt" is neither in the database nor in the configuration; there is full, night, queue`,
		"--camera yard --rule night": `--camera "yard" is neither in the database nor in the configuration; there is door, till`,
	} {
		_, err := alarmCommand(t, file, append([]string{"list", "--database-url", url}, strings.Fields(args)...)...)
		require.EqualError(t, err, want)
		require.Equal(t, 2, ExitCode(err))
	}
	out, err := alarmCommand(t, file, "list", "--format", "csv", "--database-url", url, "--rule", "queue", "--camera", "till")
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(out, "\n"), "there is none of it yet")
}

func TestAlarmReplay_ChangedRule_WhatItWouldHaveFound(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := pgtest.Pool(t, url)
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('door')",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
			SELECT id, 'r', 'stream', 'm', 's', 1, 1, 'cpu' FROM cameras`,
		`INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
			SELECT timestamptz '2026-11-25 10:00Z' + n * interval '1 h', r.camera_id, r.id, n, 'step', n, CASE n % 2 WHEN 0 THEN 'in' ELSE 'out' END, 0, 'person'
			FROM runs r, generate_series(0, 5) n`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	file := "cameras:\n  door: {lines: {step: [[0, 0], [1, 1]]}}\nalarms:\n  out: crossing of door/step out\n  all: crossing of door/step\n"
	flags := []string{"replay", "--format", "csv", "--database-url", url}
	out, err := alarmCommand(t, file, append(flags, "--since", "2026-11-25T11:00:00Z", "--until", "2026-11-25T15:00:00Z")...)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(out, ",all,door/step,"), out)
	require.Equal(t, 2, strings.Count(out, ",out,door/step,"), out)
	out, err = alarmCommand(t, file, append(flags, "--since", "2026-11-25", "--rule", "out")...)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(out, "\n"), out)
	require.Equal(t, []string{"0 0"}, pgtest.Lines(t, pool, "SELECT (SELECT count(*) FROM alarms) || ' ' || (SELECT count(*) FROM alarm_deliveries)"))

	for want, args := range map[string][]string{
		"the configuration has no alarms": {"", "--since", "1h"},
		"no rule has this name":           {file, "--since", "1h", "--rule", "none"},
		"--since":                         {file, "--since", "1h", "--until", "2h"},
	} {
		_, err := alarmCommand(t, args[0], append(flags, args[1:]...)...)
		require.ErrorContains(t, err, want)
		require.Equal(t, 2, ExitCode(err), want)
	}
}

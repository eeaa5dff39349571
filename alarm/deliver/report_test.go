package deliver_test

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/report"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// enqueueReport writes a report's message to receivers, as the maker does.
func enqueueReport(t *testing.T, pool *pgxpool.Pool, receivers ...string) {
	t.Helper()
	since := time.Date(2026, 11, 25, 23, 0, 0, 0, time.UTC)
	rep := report.Report{
		Name: "daily", Every: "day", TZ: "Europe/Berlin", Since: since, Until: since.Add(24 * time.Hour),
		In: report.Count{N: 1234}, Out: report.Count{N: 1200}, Lines: []report.Line{{Camera: "Tür", Line: "step", In: report.Count{N: 1234}}},
	}
	msg, err := rep.Message(since)
	require.NoError(t, err)
	payload, err := json.Marshal(msg)
	require.NoError(t, err)
	for _, r := range receivers {
		_, err := pool.Exec(t.Context(), `INSERT INTO alarm_deliveries (receiver, message_id, event, payload, due)
			VALUES ($1, $2, 'report', $3, now())`, r, msg.ID+".report", payload)
		require.NoError(t, err)
	}
}

// parts returns the parts of a message by their type, those of nested ones too.
func parts(t *testing.T, contentType string, body io.Reader, found map[string]string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	if !strings.HasPrefix(kind, "multipart/") {
		b, err := io.ReadAll(body)
		require.NoError(t, err)
		found[kind] = string(b)
		return
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextPart() // decodes quoted-printable
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return
		}
		if name := p.FileName(); name != "" {
			found["file"] = name
		}
		parts(t, p.Header.Get("Content-Type"), p, found)
	}
}

// A report comes as an e-mail of three parts, as JSON that is signed, and as a few lines.
func TestDeliver_Report_FormOfEachReceiver(t *testing.T) {
	pool := pgtest.Open(t)
	box := &mailbox{busy: 1}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := smtp.NewServer(box)
	s.Domain, s.AllowInsecureAuth = "localhost", true
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	t.Setenv("MAIL", "right")
	hook, phone := newServer(t), newServer(t)
	hook.up()
	phone.up()
	enqueueReport(t, pool, "mail", "hook", "phone")
	start(t, pool, nil, webhookTo(t, hook), rule.Receiver{Name: "phone", Kind: rule.NTFY, Where: "http://" + phone.addr + "/home"},
		rule.Receiver{
			Name: "mail", Kind: rule.Email, Where: "smtp-plain://" + l.Addr().String(), User: "door", Secret: rule.Secret{Env: "MAIL"},
			From: "door@example.org", To: []string{"me@example.org"},
		})
	awaitSent(t, pool, 3)

	require.Len(t, box.mail, 1)
	m, err := mail.ReadMessage(strings.NewReader(box.mail[0]))
	require.NoError(t, err)
	require.Equal(t, "sightlog: daily report: Thursday, 26 Nov 2026: 1234 in, 1200 out", m.Header.Get("Subject"))
	require.Regexp(t, `^<[0-9a-f]{24}\.report@sightlog>$`, m.Header.Get("Message-Id"))
	found := make(map[string]string)
	parts(t, m.Header.Get("Content-Type"), m.Body, found)
	require.Contains(t, found["text/plain"], "Tür")
	require.Contains(t, found["text/html"], `<h1 style=`)
	require.Contains(t, found["text/html"], "Tür")
	require.Equal(t, "daily-2026-11-26.csv", found["file"])

	got := hook.requests()
	require.Len(t, got, 1)
	verify(t, secret, got[0])
	var body struct {
		Event  string
		Report report.Report
	}
	require.NoError(t, json.Unmarshal([]byte(got[0].body), &body))
	require.Equal(t, "report", body.Event)
	require.Equal(t, int64(1234), body.Report.In.N)
	lines := phone.requests()
	require.Equal(t, "sightlog: daily report", lines[0].header.Get("Title"))
	require.True(t, strings.HasPrefix(lines[0].body, "Thursday, 26 Nov 2026: 1234 in, 1200 out\n"), lines[0].body)
}

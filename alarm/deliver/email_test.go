package deliver_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// mailbox is an SMTP server that takes mail of one user.
type mailbox struct {
	mu   sync.Mutex // guards the following
	mail []string
	busy int // refusals that are still to come
}

type mailSession struct {
	*mailbox
	known bool
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{mailbox: m}, nil }

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "door" || password != "right" {
			return errors.New("no such user")
		}
		s.known = true
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy > 0 {
		s.busy--
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "busy"}
	}
	return nil
}

func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (s *mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mail = append(s.mail, string(b))
	return err
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// A server that is busy at first gets the mail, with the same Message-ID.
func TestDeliver_Email_ArrivesAtAServerWithTLSAndLogin(t *testing.T) {
	pool := pgtest.Open(t)
	box := &mailbox{busy: 2}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := smtp.NewServer(box)
	s.Domain = "localhost"
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(certified.Close)
	s.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}), 0o600))
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	t.Setenv("MAIL", "right")
	enqueue(t, pool, "mail", "a1")
	start(t, pool, nil, rule.Receiver{
		Name: "mail", Kind: rule.Email, Where: "smtp://" + l.Addr().String(), CAFile: ca, User: "door", Secret: rule.Secret{Env: "MAIL"},
		From: "door@example.org", To: []string{"me@example.org", "you@example.org"}, GiveUp: time.Hour,
	})
	awaitSent(t, pool, 1)
	require.Equal(t, []string{"2"}, pgtest.Lines(t, pool, "SELECT attempts FROM alarm_deliveries"))
	require.Len(t, box.mail, 1)
	for _, want := range []string{"Message-ID: <a1.began@sightlog>", "Subject: sightlog: night began: 1 x person", "From: <door@example.org>", "<you@example.org>", "since 2026-11-27T22:00:00Z"} {
		require.Contains(t, box.mail[0], want)
	}
}

package pipeline_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// Brokers that may be away must let the client in when they answer; what may pass by itself is no
// reason to end.
func TestCheckRefused_WhatAnswers_RefusesOrIsAway(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // its certificate is for 127.0.0.1
	defer web.Close()
	secured := brokertest.Start(t, func(c *broker.Config) {
		c.TLS = &tls.Config{Certificates: web.TLS.Certificates}
		c.SASL, c.Users = true, map[string]string{"box": "secret"}
	})
	plain := brokertest.Start(t)
	trusted := &tls.Config{RootCAs: x509.NewCertPool()}
	trusted.RootCAs.AddCert(web.Certificate())
	as := func(password string, t *tls.Config) kafka.Config {
		return kafka.Config{Brokers: []string{secured.Addr()}, TLS: t, SASL: "scram-sha-256", SASLUser: "box", SASLPassword: password}
	}
	token := as("", trusted)
	token.SASL, token.SASLToken = "oauthbearer", "file:"+filepath.Join(t.TempDir(), "none")
	at := func(addr string) kafka.Config { return kafka.Config{Brokers: []string{addr}} }
	for name, c := range map[string]struct {
		cfg  kafka.Config
		want string // "": not refused
	}{
		"let in":            {as("secret", trusted), ""},
		"wrong password":    {as("guess", trusted), "SASL_AUTHENTICATION_FAILED"},
		"not trusted":       {as("secret", &tls.Config{}), "certificate signed by unknown authority"},
		"no such login":     {token, "UNSUPPORTED_SASL_MECHANISM"},
		"a page":            {at(says(t, "HTTP/1.1 400 Bad Request\r\n\r\n")), "is your broker port correct?"},
		"a login by SSH":    {at(says(t, "SSH-2.0-OpenSSH_9.2\r\n")), "invalid large response size"},
		"plain":             {at(plain.Addr()), ""},
		"away":              {at(testenv.FreeAddr(t)), ""},
		"hangs up":          {at(says(t, "")), ""}, // as the near end of a tunnel does,
		"away with a login": {kafka.Config{Brokers: []string{testenv.FreeAddr(t)}, TLS: trusted, SASL: "plain", SASLUser: "a", SASLPassword: "b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := pipeline.CheckRefused(t.Context(), c.cfg, "--into")
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.True(t, usage.Is(err))
			require.ErrorContains(t, err, "--into "+c.cfg.Brokers[0]+": ")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "guess")
		})
	}
}

// says listens and answers each connection with these words.
func says(t *testing.T, words string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, words)
			_, _ = c.Read(make([]byte, 1024)) // closed with unread bytes, the connection is reset and the words are lost
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// A spool is started although the brokers are away, and with --wait although they refuse it.
func TestStartSpool_BrokersRefuse_OnlyWithWait(t *testing.T) {
	t.Parallel()
	centre := brokertest.Start(t, func(c *broker.Config) { c.SASL, c.Users = true, map[string]string{"box": "secret"} })
	cfg := pipeline.SpoolConfig{
		Spool: config.Spool{Spool: filepath.Join(t.TempDir(), "spool"), SpoolSpace: 0.01},
		Kafka: config.Kafka{Partitions: 1, Cluster: config.Cluster{
			Brokers: []string{centre.Addr()}, SASL: "plain", SASLUser: "box", SASLPassword: "guess",
		}},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	_, err := pipeline.StartSpool(t.Context(), cfg)
	require.True(t, usage.Is(err), err)
	require.NoDirExists(t, cfg.Spool.Spool, "nothing was begun")
	cfg.Wait = true
	s, err := pipeline.StartSpool(t.Context(), cfg)
	require.NoError(t, err)
	testenv.Await(t, "the problem", func() bool { return strings.Contains(strings.Join(s.Problems(), " "), "SASL_AUTHENTICATION_FAILED") })
	require.NoError(t, s.Stop())
}

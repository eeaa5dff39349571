package cert_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/cert"
)

var discard = slog.New(slog.DiscardHandler)

func TestOwn_SecondStart_SameCertificate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "web")
	first, err := cert.Own(dir, []string{"192.0.2.7"}, discard)
	require.NoError(t, err)
	again, err := cert.Own(dir, nil, discard)
	require.NoError(t, err)
	require.Equal(t, first.Fingerprint(), again.Fingerprint())
	require.Regexp(t, `^([0-9A-F]{2}:){31}[0-9A-F]{2}$`, first.Fingerprint())
	for name, mode := range map[string]os.FileMode{"": 0o700, "key.pem": 0o600} {
		st, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, st.Mode().Perm(), name)
	}
	pair, err := first.GetCertificate(nil)
	require.NoError(t, err)
	for _, host := range []string{"localhost", "127.0.0.1", "192.0.2.7"} {
		require.NoError(t, pair.Leaf.VerifyHostname(host))
	}
	require.Error(t, pair.Leaf.VerifyHostname("192.0.2.8"))
	require.False(t, pair.Leaf.IsCA)

	other, err := cert.Own(dir, []string{"192.0.2.8"}, discard)
	require.NoError(t, err)
	require.NotEqual(t, first.Fingerprint(), other.Fingerprint(), "it does not name the address")
}

func TestOwn_KeyOfAnother_MadeAgain(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	first, err := cert.Own(a, nil, discard)
	require.NoError(t, err)
	_, err = cert.Own(b, nil, discard)
	require.NoError(t, err)
	key, err := os.ReadFile(filepath.Join(b, "key.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(a, "key.pem"), key, 0o600)) // as after a crash between two writes
	again, err := cert.Own(a, nil, discard)
	require.NoError(t, err)
	require.NotEqual(t, first.Fingerprint(), again.Fingerprint())
}

// A certificate that browsers refuse is served, since a renewed one is taken without a restart, and named.
func TestFiles_Expired_LogSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	write := func(from, until time.Time) (cert, key string) {
		t.Helper()
		c := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: []string{"localhost"}}
		der, err := x509.CreateCertificate(rand.Reader, &c, &c, &private.PublicKey, private)
		require.NoError(t, err)
		secret, err := x509.MarshalPKCS8PrivateKey(private)
		require.NoError(t, err)
		cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
		require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
		require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
		return cert, key
	}
	for says, valid := range map[string][2]time.Duration{
		"": {-time.Hour, time.Hour}, "has expired": {-2 * time.Hour, -time.Hour}, "is not valid yet": {time.Hour, 2 * time.Hour},
	} {
		var log bytes.Buffer
		c, key := write(now.Add(valid[0]), now.Add(valid[1]))
		_, err := cert.Open(c, key, slog.New(slog.NewTextHandler(&log, nil)))
		require.NoError(t, err)
		require.Equal(t, says == "", log.Len() == 0, log.String())
		require.Contains(t, log.String(), says)
	}
}

func TestFiles_Renewed_TakenWhenTheyAreAPair(t *testing.T) {
	t.Parallel()
	dir, next := t.TempDir(), t.TempDir()
	_, err := cert.Own(dir, nil, discard)
	require.NoError(t, err)
	_, err = cert.Own(next, nil, discard)
	require.NoError(t, err)
	f, err := cert.Open(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), discard)
	require.NoError(t, err)
	before := f.Fingerprint()
	renew := func(name string) {
		b, err := os.ReadFile(filepath.Join(next, name))
		require.NoError(t, err)
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		later := time.Now().Add(time.Hour)
		require.NoError(t, os.Chtimes(path, later, later))
	}
	renew("cert.pem")
	_, err = f.GetCertificate(nil)
	require.NoError(t, err)
	require.Equal(t, before, f.Fingerprint(), "half of it is renewed")
	renew("key.pem")
	_, err = f.GetCertificate(nil)
	require.NoError(t, err)
	require.NotEqual(t, before, f.Fingerprint())
}

func TestOpen_NoPair_OneLine(t *testing.T) {
	t.Parallel()
	_, err := cert.Open("none.pem", "none.key", discard)
	require.ErrorContains(t, err, "--web-tls none.pem: ")
	require.True(t, usage.Is(err))
}

// The authority is a server of the test, which counts who asks: it is asked for the domain
// alone.
func TestACME_OtherNames_AuthorityNotAsked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	authority := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	defer authority.Close()
	m := cert.ACME{Domains: []string{"cameras.example.org"}, Dir: filepath.Join(t.TempDir(), "acme"), Directory: authority.URL, Client: authority.Client()}.Manager()
	l, err := tls.Listen("tcp", "127.0.0.1:0", m.TLSConfig())
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = c.(*tls.Conn).Handshake() // refused
				_ = c.Close()
			}()
		}
	}()
	handshake := func(name string) error {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		return tls.Client(c, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake() //nolint:gosec // it has none
	}
	for _, name := range []string{"other.example.org", "cameras.example.org.evil.example", "127.0.0.1", ""} {
		require.Error(t, handshake(name), name)
	}
	require.Zero(t, asked.Load())
	require.Error(t, handshake("cameras.example.org"))
	require.Positive(t, asked.Load())
}

func TestOwn_Certificate_ParsesAsPEM(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := cert.Own(dir, nil, discard)
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	require.NoError(t, err)
	block, rest := pem.Decode(b)
	require.Empty(t, rest)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.Less(t, c.NotAfter.Sub(c.NotBefore), 825*24*time.Hour, "some systems accept no longer one")
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, c.ExtKeyUsage)
}

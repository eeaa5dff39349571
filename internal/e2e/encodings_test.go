package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sightlog/sightlog/event"
)

// A run in Avro or Protobuf, killed and resumed, leaves the rows of one in JSON. The bundled
// registry has the schemas after restarts, and who asks is answered in JSON.
func TestRun_KilledInAvroAndProtobuf_RowsOfJSON(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(config, []byte(hall), 0o600))
	args := func(dir, encoding, pace string) []string {
		return []string{"run", "--config", config, "--source", "hall=test://people?frames=120&fps=10", "--data", dir, "--encoding", encoding, "--pace", pace}
	}
	plain := dataDir(t)
	ok(t, sightlog, args(plain, "json", "fast")...)
	want := told(t, plain)
	for _, encoding := range []string{"avro", "protobuf"} {
		dir := dataDir(t)
		p := start(t, sightlog, args(dir, encoding, "as-recorded")...)
		endpoints(t, dir, p)
		waitRows(t, dir, 40)
		for _, pid := range append(children(p.cmd.Process.Pid), p.cmd.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		p.kill()
		require.Contains(t, ok(t, sightlog, args(dir, encoding, "fast")...), "of an unfinished run")
		require.Equal(t, want, told(t, dir), encoding)

		serve := start(t, sightlogd, "serve", "--data", dir)
		broker, _ := endpoints(t, dir, serve)
		_, url, found := strings.Cut(ok(t, sightlogd, "url", "--data", dir), "registry=")
		require.True(t, found)
		cl, err := sr.NewClient(sr.URLs(strings.TrimSpace(url)))
		require.NoError(t, err)
		subjects, err := cl.Subjects(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"crossings-value", "sightings-value", "visits-value"}, subjects)

		line := ok(t, sightlogd, "topics", "tail", "sightings", "--data", dir, "--beginning", "--count", "1")
		s, err := event.DecodeSighting([]byte(line))
		require.NoError(t, err, line)
		require.Equal(t, "hall", s.Camera)
		inLog := ok(t, sightlogd, "topics", "tail", "sightings", "--brokers", broker, "--beginning", "--count", "1")
		require.False(t, json.Valid([]byte(inLog)), "without a registry it is what the log has")
		ok(t, sightlogd, "replay", "--data", dir)
		require.Zero(t, serve.stop(t).code, serve.output)
		require.Equal(t, want, told(t, dir), "built again from the log")
	}
}

func TestBroker_WithUsersAndTLS_RegistryOfUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	users := filepath.Join(dir, "users")
	require.NoError(t, os.WriteFile(users, []byte("ann:secret\nbob:other\n"), 0o600))
	cert, key := certificateOf(t, dir)
	args := []string{"broker", "--listen", "127.0.0.1:0", "--users", users, "--acls", "--super-users", "ann", "--server-cert", cert, "--server-key", key}

	plain := dataDir(t)
	p := start(t, sightlogd, append(args, "--data", plain)...)
	endpoints(t, plain, p)
	require.NotContains(t, ok(t, sightlogd, "url", "--data", plain), "registry=")
	require.Zero(t, p.stop(t).code)

	p = start(t, sightlogd, append(args, "--data", plain, "--registry-user", "ann")...)
	endpoints(t, plain, p)
	_, url, _ := strings.Cut(ok(t, sightlogd, "url", "--data", plain), "registry=")
	url = strings.TrimSpace(url)
	require.True(t, strings.HasPrefix(url, "https://127.0.0.1:"), url)
	trusted := sr.DialTLSConfig(trust(t, cert))
	cl, err := sr.NewClient(sr.URLs(url), trusted)
	require.NoError(t, err)
	_, err = cl.Subjects(t.Context())
	require.ErrorContains(t, err, "Unauthorized")
	cl, err = sr.NewClient(sr.URLs(url), trusted, sr.BasicAuth("bob", "other"))
	require.NoError(t, err)
	_, err = cl.RegisterSchema(t.Context(), "a", sr.Schema{Schema: `"string"`}, -1, -1)
	require.NoError(t, err)
	require.Zero(t, p.stop(t).code, p.output)

	refused := do(t, sightlogd, append(args, "--data", plain, "--registry-user", "eve")...)
	require.Equal(t, 2, refused.code)
	require.Contains(t, refused.stderr, "--registry-user eve is none of --users")
}

// certificateOf writes a certificate for 127.0.0.1 and its key.
func certificateOf(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return cert, key
}

// trust returns the configuration of a client that trusts a certificate alone.
func trust(t *testing.T, cert string) *tls.Config {
	t.Helper()
	b, err := os.ReadFile(cert)
	require.NoError(t, err)
	c := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	require.True(t, c.RootCAs.AppendCertsFromPEM(b))
	return c
}

// A broker that knows its clients by other means starts without a registry.
func TestBroker_ACLsOrCertificates_NoRegistry(t *testing.T) {
	t.Parallel()
	cert, key := certificateOf(t, t.TempDir())
	secure := []string{"--server-cert", cert, "--server-key", key, "--client-ca", cert}
	for _, more := range [][]string{{"--acls"}, secure} {
		dir := dataDir(t)
		p := start(t, sightlogd, append([]string{"broker", "--listen", "127.0.0.1:0", "--data", dir}, more...)...)
		endpoints(t, dir, p)
		require.NotContains(t, ok(t, sightlogd, "url", "--data", dir), "registry=")
		require.Zero(t, p.stop(t).code, p.output)
	}
	r := do(t, sightlogd, append([]string{"broker", "--data", dataDir(t), "--registry-user", "ann"}, secure...)...)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "--registry-user with --client-ca: the schema registry has no certificate")
}

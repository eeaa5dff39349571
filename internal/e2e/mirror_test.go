package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t testing.TB) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	}
	return cert, key
}

// A box with everything, its log mirrored through TLS and SCRAM into the broker of a centre
// that is restarted, by a mirror that is killed: the tables of both have the same rows.
func TestMirror_FromABoxToTheCentre_SameRows(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	cert, key := certificate(t)
	users := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(users, []byte("box:secret\n"), 0o600))
	listen, central, url := testenv.FreeAddr(t), dataDir(t), databaseURL(t)
	startCentre := func() *process {
		b := start(t, sightlogd, "broker", "--listen", listen, "--data", central, "--users", users, "--server-cert", cert, "--server-key", key)
		endpoints(t, central, b)
		return b
	}
	centre := startCentre()
	sink := start(t, sightlogd, "sink", "--brokers", listen, "--database-url", url,
		"--tls", "--tls-ca", cert, "--sasl", "scram-sha-256", "--sasl-user", "box", "--sasl-password", "secret")

	box, at, metrics := dataDir(t), testenv.FreeAddr(t), testenv.FreeAddr(t)
	run := start(t, sightlog, "run", "--source", "street="+clip, "--data", box, "--pace", "fast", "--listen", at)
	endpoints(t, box, run)
	mirror := []string{"mirror", "--data", box, "--into", listen, "--metrics", metrics, "--into-tls", "--into-tls-ca", cert,
		"--into-sasl", "scram-sha-512", "--into-sasl-user", "box", "--into-sasl-password", "secret"}
	m := start(t, sightlogd, mirror...)
	count := func() int { return number(t, []string{"--database-url", url}, "select count(*) from sightings") }
	await := func(n int) {
		require.Eventually(t, func() bool { return count() >= n }, limit, 20*time.Millisecond, "%s\n%s\n%s", m.output, sink.output, run.output)
	}
	for n := range 3 {
		await(60 + 150*n)
		if n == 1 {
			centre.kill()
			centre = startCentre()
		}
		m.kill()
		m = start(t, sightlogd, mirror...)
	}
	require.Zero(t, run.wait(t).code, run.output)
	serve := start(t, sightlogd, "serve", "--data", box, "--listen", at) // the log goes on where it was
	_, local := endpoints(t, box, serve)
	await(vtestFrames)
	awaitReady(t, m, metrics)
	lint(t, metrics)

	const all = `select camera || '/' || run || '/' || seq || '/' || captured_at || '/' || people as id from v_sightings order by captured_at, seq`
	want := rows(t, []string{"--database-url", local}, all)
	require.Len(t, want, vtestFrames)
	require.Equal(t, want, rows(t, []string{"--database-url", url}, all))
	for _, p := range []*process{m, sink, serve, centre} {
		require.Zero(t, p.stop(t).code, p.output)
	}
}

func TestMirror_Mistakes_OneLine(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"mirror needs the brokers to mirror into; add --into HOST:PORT":                                 {"--brokers", "127.0.0.1:1"},
		"--into-tls-ca and --into-tls-cert have no effect without --into-tls; add --into-tls":           {"--brokers", "127.0.0.1:1", "--into", "127.0.0.1:2", "--into-tls-ca", "x"},
		`--mirror-group "a/b"; use up to 200 of a-z, A-Z, 0-9, '.', '_' and '-'`:                        {"--brokers", "127.0.0.1:1", "--into", "127.0.0.1:2", "--mirror-group", "a/b"},
		`--mirror-topics "mirror.positions"; name topics of the log`:                                    {"--brokers", "127.0.0.1:1", "--into", "127.0.0.1:2", "--mirror-topics", "mirror.positions"},
		"the brokers 127.0.0.1:1 cannot be used: unable to dial: dial tcp 127.0.0.1:1: connect: connec": {"--brokers", "127.0.0.1:1", "--into", "127.0.0.1:2"},
	} {
		r := do(t, sightlogd, append([]string{"mirror"}, args...)...)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, want)
	}
}

// A centre that answers and refuses the box ends mirror and detect --spool at their start; one that
// is away does not (TestDetect_SpoolAndBrokersAway_EachRowOnceInOrder).
func TestMirror_CentreRefuses_OneLine(t *testing.T) {
	t.Parallel()
	users, box, listen, centre := filepath.Join(t.TempDir(), "users"), dataDir(t), testenv.FreeAddr(t), dataDir(t)
	require.NoError(t, os.WriteFile(users, []byte("box:secret\n"), 0o600))
	endpoints(t, box, start(t, sightlogd, "broker", "--data", box))
	endpoints(t, centre, start(t, sightlogd, "broker", "--listen", listen, "--data", centre, "--users", users))
	spool := dataDir(t)
	for _, c := range []struct {
		program, flag string
		args          []string
	}{
		{sightlogd, "--into", []string{"mirror", "--data", box, "--into", listen, "--into-sasl", "plain", "--into-sasl-user", "box", "--into-sasl-password", "guess"}},
		{sightlog, "--brokers", []string{
			"detect", "--source", "test://people", "--spool", spool, "--brokers", listen, "--sasl", "plain", "--sasl-user", "box", "--sasl-password", "guess",
		}},
	} {
		r := do(t, c.program, c.args...)
		require.Equal(t, 2, r.code, r.stderr)
		line := strings.TrimSpace(r.stderr)
		require.Contains(t, line, c.flag+" "+listen+": ")
		require.Contains(t, line, "SASL_AUTHENTICATION_FAILED")
		require.Contains(t, line, "or add --wait")
		require.NotContains(t, line, "guess")
		require.NotContains(t, line, "\n", "one line")
	}
}

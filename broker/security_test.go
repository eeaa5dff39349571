package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

func TestSASL_NotAuthenticated_Refused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := Config{Dir: dir, SASL: true, Users: map[string]string{"admin": "secret"}}
	b, stop := serveBroker(t, cfg)
	ctx := testContext(t)
	good := scram.Auth{User: "admin", Pass: "secret"}
	bad := scram.Auth{User: "admin", Pass: "wrong"}
	unknown := scram.Auth{User: "nobody", Pass: "secret"}
	for name, m := range map[string]sasl.Mechanism{
		"plain": plain.Auth{User: "admin", Pass: "secret"}.AsMechanism(),
		"256":   good.AsSha256Mechanism(),
		"512":   good.AsSha512Mechanism(),
	} {
		require.NoError(t, newClient(t, b, kgo.SASL(m)).Ping(ctx), name)
	}
	for name, m := range map[string]sasl.Mechanism{
		"plain":   plain.Auth{User: "admin", Pass: "wrong"}.AsMechanism(),
		"no pass": plain.Auth{User: "nobody", Pass: "-"}.AsMechanism(),
		"256":     bad.AsSha256Mechanism(),
		"unknown": unknown.AsSha256Mechanism(),
	} {
		require.ErrorIs(t, newClient(t, b, kgo.SASL(m)).Ping(ctx), kerr.SaslAuthenticationFailed, name)
	}
	require.Error(t, newClient(t, b, kgo.RequestRetries(0), kgo.RetryTimeout(time.Second)).Ping(ctx), "without authentication")

	// A user that an administrator makes outlives a restart.
	adm := kadm.NewClient(newClient(t, b, kgo.SASL(good.AsSha256Mechanism())))
	rs, err := adm.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: "camera", Mechanism: kadm.ScramSha256, Iterations: 4096, Password: "pw"}})
	require.NoError(t, err)
	require.NoError(t, rs.Error())
	stop()
	b, _ = serveBroker(t, cfg)
	camera := scram.Auth{User: "camera", Pass: "pw"}
	require.NoError(t, newClient(t, b, kgo.SASL(camera.AsSha256Mechanism())).Ping(ctx))
	out := kcat(t, "", "-b", b.Addr(), "-L", "-X", "security.protocol=SASL_PLAINTEXT", "-X", "sasl.mechanisms=SCRAM-SHA-256", "-X", "sasl.username=camera", "-X", "sasl.password=pw")
	require.Contains(t, out, b.Addr())
}

func TestACLs_NoRule_Denied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := Config{Dir: dir, SASL: true, Users: map[string]string{"admin": "a", "camera": "c"}, ACLs: true, SuperUsers: []string{"admin"}}
	b, stop := serveBroker(t, cfg)
	ctx := testContext(t)
	as := func(user, pass string) *kgo.Client {
		return newClient(t, b, kgo.SASL(plain.Auth{User: user, Pass: pass}.AsMechanism()), kgo.RecordRetries(2))
	}
	adm := kadm.NewClient(as("admin", "a"))
	_, err := adm.CreateTopics(ctx, 1, 1, nil, "open", "shut")
	require.NoError(t, err)
	rules := kadm.NewACLs().Topics("open").Allow("User:camera").AllowHosts().Operations(kadm.OpWrite).ResourcePatternType(kadm.ACLPatternLiteral)
	created, err := adm.CreateACLs(ctx, rules)
	require.NoError(t, err)
	require.NoError(t, created[0].Err)
	check := func() {
		camera := as("camera", "c")
		require.NoError(t, camera.ProduceSync(ctx, record("open", 1)).FirstErr())
		require.ErrorIs(t, camera.ProduceSync(ctx, record("shut", 1)).FirstErr(), kerr.TopicAuthorizationFailed)
		require.NoError(t, as("admin", "a").ProduceSync(ctx, record("shut", 1)).FirstErr())
	}
	check()
	stop()
	b, _ = serveBroker(t, cfg)
	check()
	adm = kadm.NewClient(as("admin", "a"))
	deleted, err := adm.DeleteACLs(ctx, rules)
	require.NoError(t, err)
	require.Len(t, deleted[0].Deleted, 1)
	require.ErrorIs(t, as("camera", "c").ProduceSync(ctx, record("open", 1)).FirstErr(), kerr.TopicAuthorizationFailed)
}

func TestOpen_PublicAddressWithoutSASL_Insecure(t *testing.T) {
	t.Parallel()
	_, err := Open(Config{Dir: t.TempDir(), Listen: "0.0.0.0:0"})
	require.ErrorIs(t, err, ErrInsecure)
}

func TestOpen_DirectoryInUse_Locked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, stop := serveBroker(t, Config{Dir: dir})
	_, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0"})
	require.ErrorIs(t, err, ErrLocked)
	stop()
	serveBroker(t, Config{Dir: dir, Metrics: prometheus.NewRegistry()})
}

func TestTLS_Client_Served(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	b, _ := serveBroker(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}})
	cl := newClient(t, b, kgo.DialTLSConfig(&tls.Config{RootCAs: pool}))
	require.NoError(t, cl.ProduceSync(testContext(t), record("t", 1)).FirstErr())
}

func TestConnections_BeyondTheLimit_Refused(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{MaxConnections: 1})
	one, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	defer one.Close()
	two, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	defer two.Close()
	_, err = two.Read(make([]byte, 1))
	require.Error(t, err)
}

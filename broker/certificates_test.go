package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		Subject: pkix.Name{CommonName: "authority"},
	}
	pair := authority{}.sign(t, template)
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	return authority{cert, pair.PrivateKey.(*ecdsa.PrivateKey)}
}

// sign makes a key and signs its certificate; without an authority it signs itself.
func (a authority) sign(t *testing.T, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a authority) issue(t *testing.T, subject pkix.Name) tls.Certificate {
	t.Helper()
	return a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), Subject: subject,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// allow lets a principal write to a topic.
func allow(t *testing.T, adm *kadm.Client, principal, topic string) {
	t.Helper()
	rules := kadm.NewACLs().Topics(topic).Allow(principal).AllowHosts().Operations(kadm.OpWrite).ResourcePatternType(kadm.ACLPatternLiteral)
	created, err := adm.CreateACLs(testContext(t), rules)
	require.NoError(t, err)
	require.NoError(t, created[0].Err)
}

func TestACLs_CertificateOfAClient_IsItsUser(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	admin, edge := pkix.Name{CommonName: "admin"}, pkix.Name{CommonName: "edge-7", Locality: []string{"Graz, Jakomini"}, Country: []string{"AT"}}
	b, _ := serveBroker(t, Config{
		TLS: &tls.Config{
			Certificates: []tls.Certificate{ca.issue(t, pkix.Name{CommonName: "broker"})},
			ClientCAs:    ca.pool(), ClientAuth: tls.RequireAndVerifyClientCert,
		},
		ACLs: true, SuperUsers: []string{"CN=admin"},
	})
	ctx := testContext(t)
	as := func(certs ...tls.Certificate) *kgo.Client {
		return newClient(t, b, kgo.DialTLSConfig(&tls.Config{RootCAs: ca.pool(), Certificates: certs}), kgo.RecordRetries(2), kgo.RequestRetries(1))
	}
	adm := kadm.NewClient(as(ca.issue(t, admin)))
	_, err := adm.CreateTopics(ctx, 1, 1, nil, "open", "shut")
	require.NoError(t, err)
	// The name that Kafka gives to this subject.
	allow(t, adm, `User:CN=edge-7,L=Graz\, Jakomini,C=AT`, "open")
	client := as(ca.issue(t, edge))
	require.NoError(t, client.ProduceSync(ctx, record("open", 1)).FirstErr())
	require.ErrorIs(t, client.ProduceSync(ctx, record("shut", 1)).FirstErr(), kerr.TopicAuthorizationFailed)

	require.Error(t, as().Ping(ctx), "without a certificate")
	require.Error(t, as(newAuthority(t).issue(t, admin)).Ping(ctx), "of another authority")
}

func TestACLs_WithoutUsers_ForAnonymous(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := serveBroker(t, Config{Dir: dir, ACLs: true, SuperUsers: []string{"ANONYMOUS"}}) // to make the rules
	ctx := testContext(t)
	adm := kadm.NewClient(newClient(t, b))
	_, err := adm.CreateTopics(ctx, 1, 1, nil, "open", "shut")
	require.NoError(t, err)
	allow(t, adm, "User:ANONYMOUS", "open")
	stop()
	b, _ = serveBroker(t, Config{Dir: dir, ACLs: true})
	client := newClient(t, b, kgo.RecordRetries(2))
	require.NoError(t, client.ProduceSync(ctx, record("open", 1)).FirstErr())
	require.ErrorIs(t, client.ProduceSync(ctx, record("shut", 1)).FirstErr(), kerr.TopicAuthorizationFailed)
}

func TestOpen_PublicAddress_CertificatesOfClientsAreEnough(t *testing.T) {
	t.Parallel()
	server := &tls.Config{Certificates: []tls.Certificate{newAuthority(t).issue(t, pkix.Name{CommonName: "broker"})}}
	_, err := Open(Config{Dir: t.TempDir(), Listen: "0.0.0.0:0", TLS: server})
	require.ErrorIs(t, err, ErrInsecure)
	server.ClientAuth = tls.RequireAndVerifyClientCert
	b, err := Open(Config{Dir: t.TempDir(), Listen: "0.0.0.0:0", TLS: server})
	require.NoError(t, err)
	require.NoError(t, b.Close())
}

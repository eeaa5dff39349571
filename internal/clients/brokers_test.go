package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/kafkatest"
)

const user, password = "tester", "secret"

// brokers are where the programs find what they try.
type brokers struct{ plain, secure, authority string }

func (b brokers) env() []string {
	return append(os.Environ(), "BROKERS="+b.plain, "SECURE_BROKERS="+b.secure, "CA_FILE="+b.authority)
}

// ours starts two of our brokers: one has one listener.
func ours(t *testing.T) brokers {
	t.Helper()
	cert, both := certificate(t)
	pair, err := tls.LoadX509KeyPair(both, both)
	require.NoError(t, err)
	secure := brokertest.Start(t, func(c *broker.Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		c.SASL, c.Users = true, map[string]string{user: password}
	})
	return brokers{brokertest.Start(t).Addr(), secure.Addr(), cert}
}

// kafkas starts a node of Apache Kafka with two listeners.
func kafkas(t *testing.T) brokers {
	t.Helper()
	cert, both := certificate(t)
	c := kafkatest.StartWith(t, 1, kafkatest.Options{
		Listeners: map[string]string{"SECURE": "SASL_SSL"},
		Format:    []string{"--feature", "share.version=1", "--add-scram", fmt.Sprintf("SCRAM-SHA-256=[name=%s,password=%s]", user, password)},
		Settings: []string{
			"share.coordinator.state.topic.replication.factor=1", "share.coordinator.state.topic.min.isr=1",
			"sasl.enabled.mechanisms=SCRAM-SHA-256", "delegation.token.secret.key=any",
			"ssl.keystore.type=PEM", "ssl.keystore.location=" + both,
			"listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
		},
	})
	return brokers{c.Addrs(), c.AddrsOf("SECURE"), cert}
}

// certificate returns the files of a certificate of loopback that is its own authority, and
// of its key with it.
func certificate(t *testing.T) (cert, both string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	dir := t.TempDir()
	cert, both = filepath.Join(dir, "authority.pem"), filepath.Join(dir, "server.pem")
	require.NoError(t, os.WriteFile(cert, public, 0o600))
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	require.NoError(t, os.WriteFile(both, append(secret, public...), 0o600))
	return cert, both
}

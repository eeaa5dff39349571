package kafkatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Names of the listeners of a Security.
const (
	MTLS  = "MTLS"  // TLS with client certificates
	SCRAM = "SCRAM" // TLS and SASL/SCRAM
	OAUTH = "OAUTH" // TLS and SASL/OAUTHBEARER, which asks for a new token every few seconds
)

// The user of the listener SCRAM and its password. The certificate's name on MTLS and the token's
// subject on OAUTH are the same user.
const (
	User     = "camera"
	Password = "s3cret of the camera"
)

// Security has what listeners with TLS, and their clients, need: certificates of an authority of
// the test's own, and a key that signs tokens.
type Security struct {
	CA, Cert, Key string // PEM files: the authority, the client's certificate and its key
	node          string // PEM file of a node: key and certificate
	keys          string // the file of public keys (JWKS) that nodes check tokens with
	signer        *rsa.PrivateKey
}

// NewSecurity makes the certificates and the key.
func NewSecurity(t testing.TB) *Security {
	t.Helper()
	dir := t.TempDir()
	s := &Security{}
	caKey, ca := newKey(t), &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	s.CA, _, _ = write(t, dir, "ca", ca, ca, caKey, caKey)
	leaf := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
	}
	_, _, s.node = write(t, dir, "node", leaf("node", 2), ca, newKey(t), caKey)
	s.Cert, s.Key, _ = write(t, dir, User, leaf(User, 3), ca, newKey(t), caKey)

	var err error
	s.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	s.keys = filepath.Join(dir, "jwks.json")
	number := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	jwks, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "kid": "test", "use": "sig", "alg": "RS256",
		"n": number(s.signer.N.Bytes()), "e": number(big.NewInt(int64(s.signer.E)).Bytes()),
	}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.keys, jwks, 0o600))
	return s
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// write writes a certificate, its key, and both in one file, as Kafka reads them.
func write(t testing.TB, dir, name string, c, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) (cert, keyFile, both string) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	cert, keyFile, both = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"), filepath.Join(dir, name+".pem")
	for path, text := range map[string][]byte{cert: certPEM, keyFile: keyPEM, both: append(keyPEM, certPEM...)} {
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
	return cert, keyFile, both
}

const (
	issuer   = "https://issuer.test"
	audience = "kafka"
)

// Token returns a token of the user that is valid for so long.
func (s *Security) Token(t testing.TB, valid time.Duration) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	now := time.Now()
	signed := part(map[string]string{"alg": "RS256", "kid": "test", "typ": "JWT"}) + "." + part(map[string]any{
		"sub": User, "scope": "kafka", "iss": issuer, "aud": audience, "iat": now.Unix(), "exp": now.Add(valid).Unix(),
	})
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.signer, crypto.SHA256, sum[:])
	require.NoError(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// Options returns those of a cluster with the three listeners beside the plain one. Who comes by the
// plain one may do everything, the user what its ACLs allow.
func (s *Security) Options() Options {
	const module = "org.apache.kafka.common.security."
	return Options{
		Listeners: map[string]string{MTLS: "SSL", SCRAM: "SASL_SSL", OAUTH: "SASL_SSL"},
		Settings: []string{
			"ssl.keystore.type=PEM", "ssl.keystore.location=" + s.node,
			"ssl.truststore.type=PEM", "ssl.truststore.location=" + s.CA,
			"listener.name.mtls.ssl.client.auth=required",
			"ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/",
			"listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512",
			"listener.name.scram.scram-sha-256.sasl.jaas.config=" + module + "scram.ScramLoginModule required;",
			"listener.name.scram.scram-sha-512.sasl.jaas.config=" + module + "scram.ScramLoginModule required;",
			"listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER",
			"listener.name.oauth.oauthbearer.sasl.jaas.config=" + module + "oauthbearer.OAuthBearerLoginModule required;",
			"listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=" + module + "oauthbearer.OAuthBearerValidatorCallbackHandler",
			"listener.name.oauth.oauthbearer.connections.max.reauth.ms=3000",
			"sasl.oauthbearer.jwt.validator.class=" + module + "oauthbearer.BrokerJwtValidator", // the default of 4.1.0 checks no signature
			"sasl.oauthbearer.jwks.endpoint.url=file://" + s.keys,
			"sasl.oauthbearer.expected.issuer=" + issuer,
			"sasl.oauthbearer.expected.audience=" + audience,
			"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"super.users=User:ANONYMOUS",
		},
		Format: []string{
			"--add-scram", fmt.Sprintf("SCRAM-SHA-256=[name=%s,password=%s]", User, Password),
			"--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", User, Password),
		},
		JVM: []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://" + s.keys},
	}
}

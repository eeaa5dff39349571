// Package cert has the certificate of the site: its own, which it makes, a file's, or one of
// an authority that speaks ACME.
package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/usage"
)

// Files are a certificate and its key as PEM files, which are read again when they have
// changed.
type Files struct {
	Cert, Key string
	log       *slog.Logger

	mu       sync.Mutex // guards the following
	pair     *tls.Certificate
	modified [2]time.Time
	problem  string // as it was logged
}

// Open reads a certificate. Its errors are *usage.Error.
func Open(cert, key string, log *slog.Logger) (*Files, error) {
	f := &Files{Cert: cert, Key: key, log: log}
	if err := f.load(); err != nil {
		return nil, usage.Wrap(err, "give a PEM certificate and its key", "--web-tls %s: %v", cert, err)
	}
	return f, nil
}

func (f *Files) load() error {
	modified, err := f.times()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return err
	}
	f.pair, f.modified, f.problem = &pair, modified, ""
	if now := time.Now(); now.After(pair.Leaf.NotAfter) {
		f.log.Warn("the certificate of the page has expired: browsers refuse it", "file", f.Cert, "since", pair.Leaf.NotAfter.UTC())
	} else if now.Before(pair.Leaf.NotBefore) {
		f.log.Warn("the certificate of the page is not valid yet: browsers refuse it", "file", f.Cert, "until", pair.Leaf.NotBefore.UTC())
	}
	return nil
}

func (f *Files) times() (times [2]time.Time, err error) {
	for i, name := range []string{f.Cert, f.Key} {
		st, err := os.Stat(name)
		if err != nil {
			return times, err
		}
		times[i] = st.ModTime()
	}
	return times, nil
}

// GetCertificate is for tls.Config. Files that are not a pair, such as while they are being
// renewed, leave the certificate as it was.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now, err := f.times(); err == nil && now == f.modified {
		return f.pair, nil
	}
	if err := f.load(); err != nil && f.problem != err.Error() {
		f.problem = err.Error()
		f.log.Error("the certificate of the page stays as it was", "err", err)
	}
	return f.pair, nil
}

// Fingerprint returns the SHA-256 of the certificate as browsers show it.
func (f *Files) Fingerprint() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := sha256.Sum256(f.pair.Certificate[0])
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// A certificate of our own is valid for as long as the strictest systems accept, and is made
// again at a start in its last weeks.
const (
	validFor = 820 * 24 * time.Hour
	renewAt  = 60 * 24 * time.Hour
)

// Own returns the certificate of this machine, which is kept in a directory and made there if
// it is missing, about to expire, or does not name one of these hosts. A new one names all of
// the machine's addresses too; that they change later is no reason to make another, which
// browsers would warn of again.
func Own(dir string, hosts []string, log *slog.Logger) (*Files, error) {
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if !usable(certFile, keyFile, hosts) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("keep the certificate of the page: %w", err)
		}
		cert, key, err := makeOwn(append(machine(), hosts...))
		if err != nil {
			return nil, fmt.Errorf("make the certificate of the page: %w", err)
		}
		// the key first: a crash between the two leaves no pair, and the next start makes another
		err = atomicfile.WriteDurably(keyFile, key, 0o600)
		if err == nil {
			err = atomicfile.WriteDurably(certFile, cert, 0o644)
		}
		if err != nil {
			return nil, fmt.Errorf("keep the certificate of the page: %w", err)
		}
	}
	return Open(certFile, keyFile, log)
}

func usable(certFile, keyFile string, hosts []string) bool {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return false
	}
	for _, h := range hosts {
		if pair.Leaf.VerifyHostname(h) != nil {
			return false
		}
	}
	return time.Until(pair.Leaf.NotAfter) > renewAt
}

func makeOwn(hosts []string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sightlog"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(validFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// machine returns the names and addresses of this machine.
func machine() []string {
	hosts := []string{"localhost"}
	if name, err := os.Hostname(); err == nil && name != "" && !strings.ContainsAny(name, "_ ") {
		hosts = append(hosts, strings.ToLower(name))
	}
	addrs, _ := net.InterfaceAddrs() // without them the name is left
	for _, a := range addrs {
		if n, is := a.(*net.IPNet); is && !n.IP.IsLinkLocalUnicast() {
			hosts = append(hosts, n.IP.String())
		}
	}
	return hosts
}

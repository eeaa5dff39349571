package web

import (
	"crypto/tls"
	"log/slog"
	"net"
	"path/filepath"
	"slices"

	"github.com/sightlog/sightlog/web/cert"
)

// TLS is the certificate of the site. The zero value is none.
type TLS struct {
	SelfSigned bool     // one of its own, made if it is missing
	Cert, Key  string   // PEM files
	ACME       []string // the domains that an authority certifies
	Dir        string   // where its own, or those of the authority, are kept

	Authority string // URL of the ACME directory; "": Let's Encrypt
}

// On reports whether the site speaks TLS.
func (t TLS) On() bool { return t.SelfSigned || t.Cert != "" || len(t.ACME) > 0 }

// opened is a certificate that is ready to use.
type opened struct {
	config      *tls.Config // nil: no TLS
	trusted     bool        // browsers trust it
	fingerprint string      // of a certificate of our own
}

func (t TLS) open(ip net.IP, hosts []string, log *slog.Logger) (opened, error) {
	if len(t.ACME) > 0 {
		m := cert.ACME{Domains: t.ACME, Dir: filepath.Join(t.Dir, "acme"), Directory: t.Authority}.Manager()
		c := m.TLSConfig()
		c.MinVersion = tls.VersionTLS12
		return opened{config: c, trusted: true}, nil
	}
	if !t.On() {
		return opened{}, nil
	}
	var (
		files *cert.Files
		err   error
	)
	if t.SelfSigned {
		if !ip.IsUnspecified() {
			hosts = append(slices.Clone(hosts), ip.String())
		}
		files, err = cert.Own(t.Dir, hosts, log)
	} else {
		files, err = cert.Open(t.Cert, t.Key, log)
	}
	if err != nil {
		return opened{}, err
	}
	o := opened{
		config:  &tls.Config{GetCertificate: files.GetCertificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}},
		trusted: !t.SelfSigned,
	}
	if t.SelfSigned {
		o.fingerprint = files.Fingerprint()
	}
	return o, nil
}

// Check returns a *usage.Error for files that are no certificate with its key. Whether it is valid
// now is logged when it is opened.
func (t TLS) Check() error {
	if t.Cert == "" {
		return nil
	}
	_, err := cert.Open(t.Cert, t.Key, slog.New(slog.DiscardHandler))
	return err
}

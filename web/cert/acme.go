package cert

import (
	"net/http"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME are the certificates of an authority, for these domains and no others. They are asked
// for when the first browser comes, by TLS-ALPN-01: the authority must reach the site at port
// 443 of the domain. They and their keys are kept in a directory.
type ACME struct {
	Domains []string
	Dir     string

	Directory string       // URL of the authority; "": Let's Encrypt
	Client    *http.Client // to reach it; nil: http.DefaultClient
}

// Manager returns what makes the tls.Config.
func (a ACME) Manager() *autocert.Manager {
	return &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(a.Dir), // directory 0700, files 0600
		HostPolicy: autocert.HostWhitelist(a.Domains...),
		Client:     &acme.Client{DirectoryURL: a.Directory, HTTPClient: a.Client, UserAgent: "sightlog"},
	}
}

package config

import (
	"net"

	"github.com/sightlog/sightlog/usage"
)

// DefaultWeb is where the page is served when nobody says where.
const DefaultWeb = "127.0.0.1:8470"

// SelfSigned is the value of Web.WebTLS for a certificate that is made.
const SelfSigned = "self-signed"

// WebUsers is who may use the page.
type WebUsers struct {
	WebUsers string `placeholder:"FILE" help:"Users and tokens of the page, which needs a login then: a file that web user add writes. Needed, with TLS, to serve other machines."`
}

// Web is where the page is served, and to whom.
type Web struct {
	WebUsers

	Web         string   `placeholder:"HOST:PORT|off" help:"Serve the page here (127.0.0.1:8470, or a free port if that is taken); off: not at all."`
	WebTLS      string   `name:"web-tls" placeholder:"self-signed|FILE" help:"Serve the page over TLS: with this PEM certificate, or with one that is made and kept in the data directory."`
	WebTLSKey   string   `name:"web-tls-key" placeholder:"FILE" help:"PEM key of the certificate of --web-tls."`
	WebACME     []string `name:"web-acme" placeholder:"DOMAIN" help:"Serve the page over TLS with a certificate of Let's Encrypt for this domain, whose port 443 must lead here. Accepts its terms of service."`
	WebHost     []string `placeholder:"NAME" help:"Answer browsers that ask for the page by this name, too, such as that of a proxy before it."`
	WebInsecure bool     `help:"Serve other machines although there are no users, or no TLS."`
}

// Addr returns where the page is served, and whether a person chose it. It is "" for nowhere.
func (w Web) Addr() (addr string, chosen bool) {
	switch w.Web {
	case "":
		return DefaultWeb, false
	case "off":
		return "", false
	}
	return w.Web, true
}

// Check returns a *usage.Error for keys that do not fit together.
func (w Web) Check() error {
	addr, _ := w.Addr()
	if addr == "" {
		return nil
	}
	if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
		return usage.New("give HOST:PORT, such as "+DefaultWeb+", or off", "--web %s: no address with a port", addr)
	}
	switch file := w.WebTLS != "" && w.WebTLS != SelfSigned; {
	case len(w.WebACME) > 0 && w.WebTLS != "":
		return usage.New("leave one of them out", "--web-acme with --web-tls")
	case file && w.WebTLSKey == "":
		return usage.New("add --web-tls-key FILE", "--web-tls %s without its key", w.WebTLS)
	case !file && w.WebTLSKey != "":
		return usage.New("add --web-tls FILE, its certificate", "--web-tls-key %s without a certificate", w.WebTLSKey)
	}
	return nil
}

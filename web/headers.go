package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/web/problem"
)

// policy lets the page load and run nothing that is not its own, and no other page embed it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// headers are those of every response, also of errors.
var headers = map[string]string{
	"Content-Security-Policy":           policy,
	"X-Content-Type-Options":            "nosniff",
	"X-Frame-Options":                   "DENY",
	"Referrer-Policy":                   "no-referrer",
	"Cross-Origin-Opener-Policy":        "same-origin",
	"Cross-Origin-Resource-Policy":      "same-origin",
	"Permissions-Policy":                "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), payment=()",
	"X-Permitted-Cross-Domain-Policies": "none",
}

// hsts keeps browsers to TLS for a year. It is not sent with a certificate of our own: nobody
// could pass its warning then.
const hsts = "max-age=31536000"

// gate is what a request passes before its route is looked for.
type gate struct {
	next  http.Handler
	hsts  bool
	hosts []string // names by which the site may be asked for, beside this machine's own; nil: any
	csrf  http.CrossOriginProtection
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, value := range headers {
		h.Set(name, value)
	}
	if g.hsts && r.TLS != nil {
		h.Set("Strict-Transport-Security", hsts)
	}
	switch {
	case !g.knows(r.Host):
		problem.Write(w, http.StatusMisdirectedRequest, "the page is not asked for by this name",
			"use the address that was printed at the start, or start with --web-host NAME")
	case upgrades(r):
		problem.Write(w, http.StatusBadRequest, "there are no websockets here", "use GET /api/v1/events")
	case foreign(r) || g.csrf.Check(r) != nil:
		problem.Write(w, http.StatusForbidden, "the request comes from a page of another site", "")
	case r.Method == http.MethodConnect: // others that are not served get 405 with the methods of their path
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, DELETE") // of one path or another
		problem.Write(w, http.StatusMethodNotAllowed, "this method is not served", "")
	default:
		g.next.ServeHTTP(w, r)
	}
}

// knows reports whether the site may be asked for by a Host header. A page of another site
// can have its own name resolve to this machine (DNS rebinding), and would be of the same
// origin then.
func (g *gate) knows(host string) bool {
	if g.hosts == nil {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return ip.IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(g.hosts, name)
}

func upgrades(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Upgrade")), "websocket") || r.Header.Get("Sec-WebSocket-Key") != ""
}

// foreign reports whether another site's page asks, other than by a link that the user
// follows: its images, scripts and requests have no business here.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	follows := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !follows
}

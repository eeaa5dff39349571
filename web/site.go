package web

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/route"
)

// SiteConfig configures Serve.
type SiteConfig struct {
	Addr   string // host:port
	Chosen bool   // a person chose it: another port is no substitute
	Routes []route.Route
	Auth   *auth.Auth
	TLS    TLS
	Hosts  []string // names, beside those of this machine, by which the site may be asked for

	Insecure bool   // serve other machines without users or TLS, too
	Limits   Limits // zero: the defaults
	Log      *slog.Logger
}

// Serve serves the page and its API. An address that cannot or may not be used is a
// *usage.Error; where nobody chose it and it is taken, a free port takes its place.
func Serve(cfg SiteConfig) (*Server, error) {
	limits := cfg.Limits.withDefaults()
	g := &guard{auth: cfg.Auth, limits: limits, log: cfg.Log, streams: map[string]int{}}
	routes, err := g.handler(slices.Concat(cfg.Auth.Routes(), cfg.Routes))
	if err != nil {
		return nil, err
	}
	l, err := listenSite(cfg)
	if err != nil {
		return nil, err
	}
	ip := l.Addr().(*net.TCPAddr).IP
	t, err := cfg.TLS.open(ip, cfg.Hosts, cfg.Log)
	if err == nil {
		err = Allowed(cfg.Addr, ip, cfg.Auth.HasUsers(), cfg.TLS.On(), cfg.Insecure)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &Server{
		http: &http.Server{
			Handler:           &gate{next: routes, hsts: t.trusted, hosts: hostsOf(cfg, ip)},
			ReadHeaderTimeout: limits.Header, ReadTimeout: limits.Read, WriteTimeout: limits.Write, IdleTimeout: limits.Idle,
			MaxHeaderBytes: limits.HeaderBytes, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: limits.StreamsOfClient + 16},
			DisableGeneralOptionsHandler: true,
			ErrorLog:                     slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		},
		addr: l.Addr().String(), url: urlOf(cfg, l.Addr().(*net.TCPAddr)), fingerprint: t.fingerprint, done: make(chan struct{}),
	}
	// a stream that is open when the server stops ends, instead of being waited for
	ctx, stop := context.WithCancel(context.Background())
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	s.http.RegisterOnShutdown(stop)
	var listener net.Listener = &boundedListener{Listener: l, max: limits.Conns, maxOfAddr: limits.ConnsOfAddr, open: map[netip.Addr]int{}}
	if t.config != nil {
		s.http.TLSConfig = t.config
		listener = tls.NewListener(listener, t.config)
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(listener) // always http.ErrServerClosed: Close says more
	}()
	return s, nil
}

// Allowed returns a *usage.Error where a site would serve other machines without users, so
// that anybody could look through the cameras, or without TLS, so that passwords could be read
// on the way. addr is what the user typed.
func Allowed(addr string, ip net.IP, users, encrypted, insecure bool) error {
	switch {
	case ip.IsLoopback() || insecure:
		return nil
	case !users:
		return usage.New("add --web-users FILE, or serve this machine alone: 127.0.0.1:PORT", "--web %s: other machines could use the page without logging in", addr)
	case !encrypted:
		return usage.New("add --web-tls self-signed, a certificate, or --web-acme DOMAIN", "--web %s: passwords and pictures would cross the network unencrypted", addr)
	}
	return nil
}

func listenSite(cfg SiteConfig) (net.Listener, error) {
	l, err := net.Listen("tcp", cfg.Addr)
	switch {
	case err == nil:
		return l, nil
	case !cfg.Chosen:
		host, _, _ := net.SplitHostPort(cfg.Addr)
		return net.Listen("tcp", net.JoinHostPort(host, "0"))
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, usage.Wrap(err, "stop what listens there, or give another address", "--web %s: the port is taken", cfg.Addr)
	default:
		return nil, usage.Wrap(err, "give HOST:PORT of this machine, or off", "--web %s: %v", cfg.Addr, err)
	}
}

// hostsOf returns the names by which a site may be asked for. Where a login and TLS are
// needed anyway, or a person chose to go without, any name leads to it.
func hostsOf(cfg SiteConfig, ip net.IP) []string {
	hosts := append([]string{}, cfg.TLS.ACME...)
	if !ip.IsLoopback() && len(hosts) == 0 {
		return nil
	}
	for _, h := range cfg.Hosts {
		hosts = append(hosts, strings.ToLower(h))
	}
	return hosts
}

// urlOf returns the address that a browser of this machine, or the domain's, can open.
func urlOf(cfg SiteConfig, at *net.TCPAddr) string {
	scheme, host := "http", at.IP.String()
	if cfg.TLS.On() {
		scheme = "https"
	}
	switch {
	case len(cfg.TLS.ACME) > 0:
		host = cfg.TLS.ACME[0]
	case at.IP.IsUnspecified():
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(at.Port)) + "/"
}

// URL returns the address of the page.
func (s *Server) URL() string { return s.url }

// Fingerprint returns the SHA-256 of the site's own certificate, "" if it has none.
func (s *Server) Fingerprint() string { return s.fingerprint }

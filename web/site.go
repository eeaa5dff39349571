package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
)

// SiteConfig configures Serve.
type SiteConfig struct {
	Addr   string // host:port
	Chosen bool   // a person chose it: another port is no substitute
	Routes []route.Route
	Log    *slog.Logger
}

// Limits of the site.
const (
	maxBody        = 1 << 20
	headerTimeout  = 5 * time.Second
	readTimeout    = 30 * time.Second
	writeTimeout   = time.Minute
	maxHeaderBytes = 32 << 10
)

// Serve serves the page and its API. An address that cannot be used is a *usage.Error; where
// nobody chose it and it is taken, a free port takes its place.
func Serve(cfg SiteConfig) (*Server, error) {
	l, err := listenSite(cfg)
	if err != nil {
		return nil, err
	}
	handler, err := siteHandler(cfg.Routes)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &Server{
		http: &http.Server{
			Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
			IdleTimeout: time.Minute, MaxHeaderBytes: maxHeaderBytes,
			ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		},
		addr: l.Addr().String(), done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // always http.ErrServerClosed: Close says more
	}()
	return s, nil
}

// URL returns the address of the page.
func (s *Server) URL() string { return "http://" + s.addr + "/" }

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

// siteHandler is the one place where a route's role, limits and headers are enforced.
func siteHandler(routes []route.Route) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, r := range routes {
		if r.Role == route.Unset {
			return nil, fmt.Errorf("route %s has no role", r.Pattern)
		}
		mux.Handle(r.Pattern, limited(r))
	}
	return mux, nil
}

func limited(r route.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = http.MaxBytesReader(w, req.Body, maxBody)
		if r.Stream {
			c := http.NewResponseController(w)
			if err := errors.Join(c.SetWriteDeadline(time.Time{}), c.SetReadDeadline(time.Time{})); err != nil {
				problem.Write(w, http.StatusInternalServerError, err.Error(), "")
				return
			}
		}
		r.Handler.ServeHTTP(w, req)
	})
}

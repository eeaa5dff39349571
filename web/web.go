package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sightlog/sightlog/usage"
)

// Server serves on one address until Close.
type Server struct {
	http *http.Server
	addr string

	url, fingerprint string        // of a site
	done             chan struct{} // closed when Serve has returned
}

// NewRegistry returns a registry with the metrics of the process itself.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Health is the state that /healthz reports. The zero value is healthy.
type Health struct {
	problems atomic.Pointer[func() []string]
}

// Watch sets the function that returns the problems, a line each. It may be called
// concurrently, and problems is called by each request.
func (h *Health) Watch(problems func() []string) { h.problems.Store(&problems) }

// ServeHTTP answers 200, or 503 while there are problems.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if problems := h.problems.Load(); problems != nil {
		if lines := (*problems)(); len(lines) > 0 {
			http.Error(w, strings.Join(lines, "\n"), http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ok")
}

// Listen serves the registry and the health on host:port. An address that cannot be used
// is a *usage.Error.
func Listen(addr string, registry *prometheus.Registry, health *Health) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, usage.Wrap(err, "stop what listens there, or give another address", "--metrics %s: the port is taken", addr)
	case err != nil:
		return nil, usage.Wrap(err, "give HOST:PORT of this machine", "--metrics %s: %v", addr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /healthz", health)
	s := &Server{
		http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute},
		addr: l.Addr().String(), done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // always http.ErrServerClosed: Close says more
	}()
	return s, nil
}

// Close stops serving. A request in progress gets a second.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.done
	return err
}

package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
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

// NewRegistry returns a registry with the metrics of the process itself and the version of
// the program.
func NewRegistry(version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	promauto.With(r).NewGauge(prometheus.GaugeOpts{
		Name: "sightlog_build_info", Help: "1, with the version of the program.", ConstLabels: prometheus.Labels{"version": version},
	}).Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Listen serves the registry and the health on host:port. An address that cannot be used
// is a *usage.Error.
func Listen(addr string, registry *prometheus.Registry, health *Health) (*Server, error) {
	l, err := listen("--metrics", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})) // exemplars need OpenMetrics
	mux.Handle("GET /healthz", health)
	mux.HandleFunc("GET /livez", health.live)
	mux.HandleFunc("GET /readyz", health.ready)
	return serve(l, mux), nil
}

// listen opens the address that a flag has. One that cannot be used is a *usage.Error.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, usage.Wrap(err, "stop what listens there, or give another address", "%s %s: the port is taken", flag, addr)
	case err != nil:
		return nil, usage.Wrap(err, "give HOST:PORT of this machine", "%s %s: %v", flag, addr, err)
	}
	return l, nil
}

// serve serves handler on l until Close.
func serve(l net.Listener, handler http.Handler) *Server {
	s := &Server{
		http: &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute},
		addr: l.Addr().String(), done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // always http.ErrServerClosed: Close says more
	}()
	return s
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

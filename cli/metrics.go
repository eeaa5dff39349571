package cli

import (
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/tracing"
	"github.com/sightlog/sightlog/web"
)

// Metrics are the addresses for monitoring a long-running command.
type Metrics struct {
	Metrics string `placeholder:"HOST:PORT" help:"Serve Prometheus metrics, /healthz, /readyz and /livez here."`
	Pprof   string `placeholder:"HOST:PORT" help:"Serve profiles of this process here, at /debug/pprof/; on loopback only."`
}

// OpenTracer returns the tracer of the sinks, nil if nothing is traced. detect has drawn the
// frames to trace, which its sighting says.
func OpenTracer(t config.Traces, log *slog.Logger) (*tracing.Tracer, error) {
	return tracing.Open(tracing.Config{Endpoint: t.OTLPEndpoint, Sample: t.TraceSample, Follow: true, Service: "sink", Version: Version, Log: log})
}

// Watch is called when a command has started, with what /healthz and /readyz ask: the
// present problems, and the parts that have not started yet (nil: none).
type Watch func(problems, pending func() []string)

// WithMetrics calls f with a registry that is served while f runs, or with nil, and with
// the function to call when the command has started.
func (m *Metrics) WithMetrics(f func(metrics prometheus.Registerer, watch Watch) error) (err error) {
	if m.Pprof != "" {
		profiles, err := web.ListenPprof(m.Pprof)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, profiles.Close()) }()
	}
	var health web.Health
	if m.Metrics == "" {
		return f(nil, health.Watch)
	}
	registry := web.NewRegistry(Version)
	s, err := web.Listen(m.Metrics, registry, &health)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(registry, health.Watch)
}

package cli

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/web"
)

// Metrics is the address for monitoring a long-running command.
type Metrics struct {
	Metrics string `placeholder:"HOST:PORT" help:"Serve Prometheus metrics and /healthz here."`
}

// WithMetrics calls f with a registry that is served while f runs, or with nil, and with a
// function to set the source of /healthz.
func (m *Metrics) WithMetrics(f func(metrics prometheus.Registerer, health func(problems func() []string)) error) (err error) {
	var health web.Health
	if m.Metrics == "" {
		return f(nil, health.Watch)
	}
	registry := web.NewRegistry()
	s, err := web.Listen(m.Metrics, registry, &health)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(registry, health.Watch)
}

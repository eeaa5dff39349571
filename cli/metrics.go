package cli

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/web"
)

// Metrics is where a long-running command is watched.
type Metrics struct {
	Metrics string `placeholder:"HOST:PORT" help:"Serve Prometheus metrics and /healthz here."`
}

// Watched runs f with a registry that is served meanwhile, or with none, and
// with a function to name what /healthz asks for problems.
func (m *Metrics) Watched(f func(metrics prometheus.Registerer, health func(problems func() []string)) error) (err error) {
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

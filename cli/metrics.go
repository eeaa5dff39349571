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

// Watched runs f with a registry that is served meanwhile, or with none.
func (m *Metrics) Watched(f func(prometheus.Registerer) error) (err error) {
	if m.Metrics == "" {
		return f(nil)
	}
	registry := web.NewRegistry()
	s, err := web.Listen(m.Metrics, registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(registry)
}

// Package registrytest gives tests the bundled schema registry, over HTTP and on our own broker.
package registrytest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/registry"
)

// Registry is a running registry that can be stopped and started again on the same log and address.
type Registry struct {
	t      testing.TB
	Config registry.Config
	URL    string
	cancel context.CancelFunc
	done   chan error
}

// Start runs a registry, on a broker of its own, until the test ends. change may change its
// configuration.
func Start(t testing.TB, change ...func(*registry.Config)) *Registry {
	t.Helper()
	r := &Registry{t: t, Config: registry.Config{
		Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Kafka: kafka.Config{Brokers: []string{brokertest.Start(t).Addr()}},
	}}
	for _, f := range change {
		f(&r.Config)
	}
	r.Start()
	t.Cleanup(r.Stop)
	return r
}

// Start starts a stopped registry again.
func (r *Registry) Start() {
	r.t.Helper()
	s, err := registry.Open(r.t.Context(), r.Config)
	require.NoError(r.t, err)
	r.URL, r.Config.Listen = s.URL(), s.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	go func() { r.done <- s.Run(ctx) }()
}

// Stop stops it. One that does not run stays so.
func (r *Registry) Stop() {
	r.t.Helper()
	if r.cancel == nil {
		return
	}
	r.cancel()
	require.NoError(r.t, <-r.done)
	r.cancel = nil
}

// Mix lets subjects have schemas of several types, which no level of compatibility does.
func (r *Registry) Mix() *Registry {
	r.t.Helper()
	require.NoError(r.t, r.Client().SetCompatibility(r.t.Context(), sr.SetCompatibility{Level: sr.CompatNone})[0].Err)
	return r
}

// Client returns a client of it.
func (r *Registry) Client(opts ...sr.ClientOpt) *sr.Client {
	r.t.Helper()
	cl, err := sr.NewClient(append([]sr.ClientOpt{sr.URLs(r.URL)}, opts...)...)
	require.NoError(r.t, err)
	return cl
}

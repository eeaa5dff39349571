package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/registry"
	"github.com/sightlog/sightlog/usage"
)

// brokerRun is a broker with its schema registry.
type brokerRun struct {
	env      *Env
	dir      *datadir.Dir
	broker   *broker.Broker
	cfg      broker.Config
	keys     config.Broker
	registry string // user of the registry
}

// run serves both until ctx ends or one of them fails. The registry stops first.
func (c *brokerRun) run(ctx context.Context) error {
	brokerCtx, stopBroker := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBroker()
	done := make(chan error, 1)
	go func() { done <- c.broker.Run(brokerCtx) }()

	err := c.runRegistry(ctx, done)
	stopBroker()
	return errors.Join(err, <-done)
}

// runRegistry serves the registry, and publishes the addresses, until ctx ends or the broker fails,
// whose error stays in done.
func (c *brokerRun) runRegistry(ctx context.Context, done chan error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := datadir.Endpoints{Broker: c.broker.Addr()}
	r, err := c.openRegistry(ctx)
	if err != nil {
		return err
	}
	var running errgroup.Group
	if r != nil {
		e.Registry = r.URL()
		running.Go(func() error { defer cancel(); return r.Run(ctx) })
	}
	if err = c.dir.Publish(e); err == nil {
		printEndpoints(c.env, e)
		select {
		case <-ctx.Done():
		case failed := <-done:
			done <- failed
		}
	}
	cancel()
	return errors.Join(err, running.Wait())
}

// openRegistry opens the registry; nil if there is to be none. It speaks to the broker as any other
// client does.
func (c *brokerRun) openRegistry(ctx context.Context) (*registry.Server, error) {
	cfg := c.cfg
	rc := registry.Config{Log: cfg.Log, TLS: cfg.TLS}
	certificates := cfg.TLS != nil && cfg.TLS.ClientAuth != tls.NoClientCert
	switch {
	case c.registry == "" && (cfg.SASL || cfg.ACLs || certificates):
		return nil, nil
	case certificates && c.registry != "":
		return nil, usage.New("leave it out, and use another registry", "--registry-user with --client-ca: the schema registry has no certificate")
	case !cfg.SASL && c.registry != "":
		return nil, usage.New("add --users FILE", "--registry-user without users")
	case cfg.SASL:
		password, ok := cfg.Users[c.registry]
		if !ok {
			return nil, usage.New("name one of them", "--registry-user %s is none of --users", c.registry)
		}
		rc.Users = cfg.Users
		rc.Kafka = kafka.Config{SASL: "plain", SASLUser: c.registry, SASLPassword: password}
	}
	if cfg.TLS != nil {
		rc.Kafka.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&tls.Dialer{Config: itself(cfg.TLS)}).DialContext(ctx, network, c.broker.Addr())
		}
	}
	return pipeline.OpenRegistry(ctx, c.keys, c.broker, rc)
}

// itself returns the configuration of a client of a server in this process, whose certificate may
// name other addresses: the server must have the same certificate.
func itself(server *tls.Config) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies
		VerifyConnection: func(s tls.ConnectionState) error {
			if string(s.PeerCertificates[0].Raw) != string(server.Certificates[0].Certificate[0]) {
				return errors.New("another server answers")
			}
			return nil
		},
	}
}

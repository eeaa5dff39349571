package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// BrokerCmd runs the bundled broker by itself.
type BrokerCmd struct {
	config.Broker
	config.Data
	Metrics
	Advertise      string        `placeholder:"HOST:PORT" help:"Address that is sent to clients; without it, that of --listen."`
	Flush          string        `enum:"always,interval,os" default:"always" help:"When an acknowledged write is on disk: always, after an interval, or when the operating system writes it (${default})."`
	FlushInterval  time.Duration `default:"50ms" help:"The interval of --flush interval (${default})."`
	ServerCert     string        `placeholder:"FILE" help:"Speak TLS with this PEM certificate."`
	ServerKey      string        `placeholder:"FILE" help:"PEM key of --server-cert."`
	ClientCA       string        `name:"client-ca" placeholder:"FILE" help:"Require certificates of clients, of this PEM authority; needs --server-cert. The subject of one (CN=edge-7,O=shop) is its user."`
	Users          string        `placeholder:"FILE" help:"Authenticate clients (SASL PLAIN, SCRAM): a file of NAME:PASSWORD lines."`
	ACLs           bool          `name:"acls" help:"Deny what no rule allows. A client without a user or certificate is ANONYMOUS."`
	SuperUsers     []string      `placeholder:"NAME" help:"Users that may do everything."`
	RegistryUser   string        `placeholder:"NAME" help:"The one of --users as which the schema registry reads and writes its topic. Without it there is no registry where --users, --acls or --client-ca are given. Requests to it need a name and password of --users."`
	MaxConnections int           `placeholder:"N" help:"Refuse more connections than this."`
	Insecure       bool          `help:"Listen beyond this machine although anybody could write to the log."`
}

// Run implements the command.
func (c *BrokerCmd) Run(ctx context.Context, env *Env) error {
	CoarseTimers()
	return c.WithMetrics(func(metrics prometheus.Registerer, watch Watch) error {
		return c.serve(ctx, env, metrics, watch)
	})
}

func (c *BrokerCmd) serve(ctx context.Context, env *Env, metrics prometheus.Registerer, watch Watch) (err error) {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	dir, err := datadir.Open(c.Data.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	cfg.Log, cfg.Metrics = env.Logger(slog.LevelInfo), metrics
	dir.LogOwner(cfg.Log)
	b, err := dir.OpenBroker(cfg)
	if err != nil {
		return err
	}
	watch(func() []string {
		if p := b.Problem(); p != "" {
			return []string{p}
		}
		return nil
	}, nil)
	run := brokerRun{env: env, dir: dir, broker: b, cfg: cfg, keys: c.Broker, registry: c.RegistryUser}
	return run.run(ctx)
}

// config turns the flags into the broker's configuration.
func (c *BrokerCmd) config() (broker.Config, error) {
	cfg := broker.Config{
		Listen: c.Listen, Advertise: c.Advertise, FlushInterval: c.FlushInterval,
		ACLs: c.ACLs, SuperUsers: c.SuperUsers, MaxConnections: c.MaxConnections, Insecure: c.Insecure,
		Flush: map[string]storage.Flush{"interval": storage.FlushInterval, "os": storage.FlushOS}[c.Flush],
	}
	if c.ServerCert != "" || c.ServerKey != "" {
		pair, err := tls.LoadX509KeyPair(c.ServerCert, c.ServerKey)
		if err != nil {
			return cfg, usage.Wrap(err, "give a PEM certificate and its key", "--server-cert %s: %v", c.ServerCert, err)
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if c.ClientCA != "" {
		if err := requireCertificates(cfg.TLS, c.ClientCA); err != nil {
			return cfg, err
		}
	}
	if c.Users != "" {
		users, err := readUsers(c.Users)
		if err != nil {
			return cfg, err
		}
		cfg.SASL, cfg.Users = true, users
	}
	err := pipeline.ConfigureBroker(&cfg, c.Broker)
	return cfg, err
}

// requireCertificates has the server require certificates of an authority.
func requireCertificates(server *tls.Config, path string) error {
	if server == nil {
		return usage.New("add --server-cert FILE and --server-key FILE", "--client-ca without TLS")
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return usage.Wrap(err, "check the path", "--client-ca %s: cannot be read", path)
	}
	server.ClientCAs = x509.NewCertPool()
	if !server.ClientCAs.AppendCertsFromPEM(pem) {
		return usage.New("give the PEM certificate of an authority", "--client-ca %s: it has no certificate", path)
	}
	server.ClientAuth = tls.RequireAndVerifyClientCert
	return nil
}

// readUsers reads NAME:PASSWORD lines; # begins a comment.
func readUsers(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usage.Wrap(err, "check the path", "--users %s: cannot be read", path)
	}
	defer f.Close()
	users := make(map[string]string)
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := Entry(lines.Text())
		if line == "" {
			continue
		}
		name, password, found := strings.Cut(line, ":")
		if !found || name == "" || password == "" {
			return nil, usage.New("write NAME:PASSWORD", "--users %s line %d", path, n)
		}
		users[name] = password
	}
	if err := lines.Err(); err != nil {
		return nil, usage.Wrap(err, "write NAME:PASSWORD lines", "--users %s: %v", path, err)
	}
	if len(users) == 0 {
		return nil, usage.New("write NAME:PASSWORD lines", "--users %s: it names no user", path)
	}
	return users, nil
}

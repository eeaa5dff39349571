package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/registry"
	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// maxBatchDelay bounds how long a sink holds up a rebalance while it waits for records.
const maxBatchDelay = 5 * time.Second

// StartServices starts the broker and the database unless they are given by address,
// migrates the database, creates the topics and starts the sinks.
func StartServices(ctx context.Context, cfg ServicesConfig) (s *Services, err error) {
	from, err := parseAll(cfg.Sinks.From, sink.ParseFrom)
	if err != nil {
		return nil, err
	}
	skip, err := parseAll(cfg.Sinks.Skip, sink.ParseSkip)
	if err != nil {
		return nil, err
	}
	keep, cameraKeep, err := keepOf(cfg)
	if err != nil {
		return nil, err
	}
	if d := cfg.Sinks.BatchDelay; d < 0 || d > maxBatchDelay {
		return nil, usage.New(fmt.Sprintf("give 0s to %s", maxBatchDelay), "--batch-delay %s", d)
	}
	s = &Services{cfg: cfg, Kafka: cfg.Kafka, URL: cfg.Database.DatabaseURL}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
			s = nil
		}
	}()
	if err := s.startStores(ctx); err != nil {
		return s, err
	}
	scfg, err := KafkaConfig(s.Kafka, cfg.Log)
	if err != nil {
		return s, err
	}
	url, err := postgres.WithSchema(s.URL, cfg.Database.Schema)
	if err != nil {
		return s, err
	}
	connections := cfg.Sinks.Sinks + 6 + 2*len(cfg.Alarms.Receivers) + 2*min(1, len(cfg.Alarms.Reports))
	opts := postgres.Options{Wait: cfg.Wait, MaxConns: int32(connections), Log: cfg.Log}
	if s.Pool, err = database.OpenMigrated(ctx, url, opts); err != nil {
		return s, err
	}
	if err := errors.Join(storePlaces(ctx, s.Pool, cfg.Places), storeStaff(ctx, s.Pool, cfg.Cameras)); err != nil {
		return s, err
	}
	s.URL = postgres.PsqlURL(url, s.Pool)
	if s.admin, err = scfg.Client(); err != nil {
		return s, err
	}
	if err := ReachTopics(ctx, s.Kafka, cfg.Wait, cfg.Log); err != nil {
		return s, err
	}
	if s.deliverer, err = s.newDeliverer(); err != nil {
		return s, err
	}
	rules := alarmRules(cfg)
	s.sink, err = sink.New(sink.Config{
		Kafka: scfg, Pool: s.Pool, Group: cfg.Sinks.Group, Consumers: cfg.Sinks.Sinks, From: from, Skip: skip,
		Keep: keep, CameraKeep: cameraKeep, Store: sink.Store(cfg.Sinks.Store.Store), Outbox: cfg.Sinks.Outbox,
		SnapshotSpace: int64(cfg.Sinks.SnapshotSpace * 1e9), BatchDelay: cfg.Sinks.BatchDelay,
		Watcher: watcher(rules), Log: cfg.Log, Metrics: cfg.Metrics, Tracer: cfg.Tracer, OnCommit: cfg.OnCommit,
	})
	if err != nil {
		return s, err
	}
	s.watchLag(cfg.Metrics, cfg.Unacknowledged)
	s.sinks = startService(s.sink.Run)
	s.startAlarms(rules)
	return s, s.PublishWeb("")
}

// Endpoints returns the addresses of the services and of the page, "" for none.
func (s *Services) Endpoints(web string) datadir.Endpoints {
	e := datadir.Endpoints{Broker: s.Kafka.Brokers[0], Database: s.URL, Web: web}
	if s.registry != nil {
		e.Registry = s.Kafka.SchemaRegistry
	}
	return e
}

// PublishWeb writes the addresses of the services and of the page, "" for none, into the
// data directory, if there is one.
func (s *Services) PublishWeb(url string) error {
	if s.dir == nil {
		return nil
	}
	return s.dir.Publish(s.Endpoints(url))
}

// keepOf returns how long rows are kept, and those of cameras with settings of their own.
func keepOf(cfg ServicesConfig) (sink.Keep, map[string]sink.Keep, error) {
	keep, err := config.ParseKeep(cfg.Sinks.Keep)
	if err != nil {
		return sink.Keep{}, nil, err
	}
	cameras := make(map[string]sink.Keep)
	for name, c := range cfg.Cameras {
		if c.Keep == (config.Keep{}) {
			continue
		}
		k := c.Keep.Over(keep)
		if err := k.Check(); err != nil {
			return sink.Keep{}, nil, usage.New("", "camera %s: keep: %v", name, err)
		}
		cameras[name] = sink.Keep(k)
	}
	return sink.Keep(keep), cameras, nil
}

// parseAll parses the values of a flag.
func parseAll[T any](values []string, parse func(string) (T, error)) ([]T, error) {
	all := make([]T, len(values))
	for i, v := range values {
		var err error
		if all[i], err = parse(v); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// startStores starts the bundled broker and the private database, at the same time,
// unless they are given by address.
func (s *Services) startStores(ctx context.Context) error {
	ownBroker, ownDatabase := len(s.Kafka.Brokers) == 0, s.URL == ""
	if !ownBroker && !ownDatabase {
		return nil
	}
	var err error
	if s.dir, err = s.openDir(ctx); err != nil {
		return err
	}
	s.dir.LogOwner(s.cfg.Log)
	var brokerErr, databaseErr error
	var both sync.WaitGroup
	if ownBroker {
		both.Go(func() { brokerErr = s.startBroker(ctx) })
	}
	if ownDatabase {
		both.Go(func() { databaseErr = s.startDatabase(ctx) })
	}
	both.Wait()
	if err := errors.Join(brokerErr, databaseErr); err != nil || s.private == nil {
		return err
	}
	return s.dir.CheckDatabase(ctx, s.private)
}

// openDir opens the data directory. With --wait it retries while another process
// owns it: a query may, that was asked while a service was being restarted.
func (s *Services) openDir(ctx context.Context) (*datadir.Dir, error) {
	for began, reported := time.Now(), false; ; {
		dir, err := datadir.Open(s.cfg.Data.Data)
		if !s.cfg.Wait || !errors.Is(err, datadir.ErrInUse) {
			return dir, err
		}
		if !reported && time.Since(began) > 2*time.Second {
			s.cfg.Log.Warn("waiting for the data directory", "err", err)
			reported = true
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Services) startBroker(ctx context.Context) error {
	cfg := broker.Config{
		Listen: s.cfg.Broker.Listen, Flush: s.cfg.Flush,
		DefaultPartitions: int(s.cfg.Kafka.Partitions), Log: s.cfg.Log, Metrics: s.cfg.Metrics,
	}
	if err := ConfigureBroker(&cfg, s.cfg.Broker); err != nil {
		return err
	}
	b, err := s.dir.OpenBroker(cfg)
	if err != nil {
		return err
	}
	s.ownBroker, s.broker = b, startService(b.Run)
	s.Kafka.Brokers = []string{b.Addr()}
	return s.startRegistry(ctx)
}

// startRegistry starts the schema registry of the bundled broker, unless one is given by address.
func (s *Services) startRegistry(ctx context.Context) error {
	if s.Kafka.SchemaRegistry != "" || s.cfg.Broker.RegistryListen == "" {
		return nil
	}
	r, err := OpenRegistry(ctx, s.cfg.Broker, s.ownBroker, registry.Config{Log: s.cfg.Log})
	if err != nil || r == nil {
		return err
	}
	s.Kafka.SchemaRegistry, s.registry = r.URL(), startService(r.Run)
	return nil
}

// OpenRegistry opens the schema registry of a bundled broker that is running; nil if there is to be
// none. cfg has what is particular to it: users, TLS.
func OpenRegistry(ctx context.Context, c config.Broker, b *broker.Broker, cfg registry.Config) (*registry.Server, error) {
	if c.RegistryListen == "off" {
		return nil, nil
	}
	cfg.Listen, cfg.Kafka.Brokers = c.RegistryListen, []string{b.Addr()}
	if cfg.Kafka.Dial == nil { // whatever address the broker advertises
		cfg.Kafka.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, b.Addr())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	return registry.Open(ctx, cfg)
}

// ConfigureBroker gives the bundled broker the settings of the file that the configuration
// names.
func ConfigureBroker(cfg *broker.Config, b config.Broker) error {
	cfg.GroupInitialDelay = 50 * time.Millisecond // sinks that start together join in one generation
	settings, err := b.Settings()
	if err != nil {
		return err
	}
	err = cfg.Configure(settings)
	var wrong *broker.SettingError
	switch {
	case errors.Is(err, broker.ErrUnknownSetting) && errors.As(err, &wrong):
		hint := "docs/broker.md has those that there are"
		if near := usage.Nearest(wrong.Name, broker.SettingNames()); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return usage.Wrap(err, hint, "--broker-settings %s: %v", b.BrokerSettings, err)
	case err != nil:
		return usage.Wrap(err, "mend the value, or leave the setting out", "--broker-settings %s: %v", b.BrokerSettings, err)
	}
	return nil
}

func (s *Services) startDatabase(ctx context.Context) error {
	p, err := postgres.StartPrivate(ctx, s.dir.Path(), s.cfg.Log)
	if err != nil {
		return err
	}
	s.private, s.URL = p, p.URL()
	s.dbSupervisor = startService(func(own context.Context) error {
		// Once ctx has ended, a server that ends was stopped on purpose.
		own, cancel := context.WithCancel(own)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		return p.Supervise(own)
	})
	return nil
}

// reachTimeout bounds the first contact with the brokers.
const reachTimeout = 10 * time.Second

// ReachTopics creates the topics that are missing, and registers the schemas of what is
// written. Brokers or a schema registry that do not answer are a *usage.Error, unless wait is
// set: then it retries until ctx ends, and logs each new error.
func ReachTopics(ctx context.Context, c config.Kafka, wait bool, log *slog.Logger) error {
	cfg, err := KafkaConfig(c, nil) // no log: the outcome is logged here, once
	if err != nil {
		return err
	}
	cl, err := cfg.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	lastLogged := ""
	for {
		try, cancel := context.WithTimeout(ctx, reachTimeout)
		err := kafka.EnsureTopics(try, cl, c.Partitions)
		if err == nil {
			err = cfg.Schemas.Prepare(try)
		}
		cancel()
		switch {
		case err == nil, usage.Is(err):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !wait && errors.Is(err, schema.ErrUnavailable):
			return usage.Wrap(err, "start it, correct --schema-registry, or add --wait", "%v", err)
		case !wait:
			return usage.Wrap(err, kafka.HowToReach(err)+", or add --wait", "--brokers %s: cannot be used: %v", strings.Join(c.Brokers, ","), err)
		}
		if lastLogged != err.Error() {
			lastLogged = err.Error()
			log.Warn("the brokers cannot be used yet, retrying", "brokers", strings.Join(c.Brokers, ","), "err", lastLogged)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

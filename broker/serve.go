package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/group"
	"github.com/sightlog/sightlog/broker/internal/quota"
	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
)

// Open locks and recovers the data directory and binds the listener; Run serves. Errors
// wrap ErrLocked, ErrNewerFormat, ErrOtherCluster, ErrInsecure or the operating
// system's.
func Open(cfg Config) (*Broker, error) {
	cfg = cfg.withDefaults()
	logs := newLoggers(cfg.Log)
	b := &Broker{
		cfg:      cfg,
		log:      logs.logger("broker"),
		loggers:  logs,
		conns:    map[*wire.Conn]struct{}{},
		requests: wire.NewBudget(cfg.MaxInFlightBytes, int64(cfg.MaxRequestBytes)),

		responses: wire.NewBudget(cfg.MaxInFlightBytes, cfg.MaxInFlightBytes/8),
	}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.connOptions = wire.Options{
		Requests: b.requests, BodyGrace: cfg.bodyGrace, WriteTimeout: cfg.writeTimeout, Log: logs.logger("connections"),
	}
	b.met = newMetrics(cfg.Metrics)
	store, err := storage.Open(cfg.Dir, storage.Options{
		FS:            cfg.FS,
		Flush:         cfg.Flush,
		FlushInterval: cfg.FlushInterval,
		JournalBytes:  cfg.JournalBytes,
		DirectBytes:   cfg.DirectBytes,
		Log:           logs.logger("storage"),
		Observe:       b.met.observe,
	})
	if err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	b.store = store
	if err := b.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open broker: %w", err), store.Close())
	}
	b.registerGauges(cfg.Metrics)
	if b.ln, err = listen(cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("open broker: %w", err), store.Close())
	}
	if err := b.advertise(); err != nil {
		return nil, errors.Join(fmt.Errorf("open broker: %w", err), b.Close())
	}
	return b, nil
}

// load reads the broker's state from the store.
func (b *Broker) load() (err error) {
	b.apis = apis()
	if b.clusterID, err = loadClusterID(b.store, b.cfg.ClusterID); err != nil {
		return err
	}
	if b.topics, err = loadTopics(b.store, b.cfg); err != nil {
		return err
	}
	if err = b.topics.removeOffsetsTopic(); err != nil {
		return err
	}
	if b.acls, err = auth.LoadACLs(b.store, b.cfg.SuperUsers); err != nil {
		return err
	}
	b.credentials = auth.NewCredentials(b.store, b.cfg.Users)
	if b.quotas, err = quota.Load(b.store); err != nil {
		return err
	}
	if b.groupConfs, err = loadGroupConfigs(b.store, &b.cfg); err != nil {
		return err
	}
	b.groups = group.New(group.Options{
		Store: b.store, Timers: &b.timers, Log: b.loggers.logger("groups"),
		MinSession: b.cfg.GroupMinSession, MaxSession: b.cfg.GroupMaxSession, InitialDelay: b.cfg.GroupInitialDelay,
		ConsumerTimes: func(name string) (heartbeat, session time.Duration) { return b.groupConfs.times(b.groupConfs.of(name)) },
		Topics:        b.topics.forGroups,
	})
	b.txns, err = txn.Load(txn.Options{
		Store: b.store, Timers: &b.timers, Log: b.loggers.logger("transactions"), MaxTimeout: b.cfg.MaxTxnTimeout,
		Partition: func(topic string, index int32) *storage.Log {
			if t := b.topics.byName(topic); t != nil && t.partition(index) != nil {
				return t.partition(index).log
			}
			return nil
		},
	})
	return err
}

// listen binds the listener. An address that other machines can reach requires
// authentication, or Config.Insecure.
func listen(cfg Config) (net.Listener, error) {
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	authenticates := cfg.SASL || cfg.TLS != nil && cfg.TLS.ClientAuth == tls.RequireAndVerifyClientCert
	if ip := ln.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() && !authenticates && !cfg.Insecure {
		ln.Close()
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, ErrInsecure)
	}
	if cfg.TLS != nil {
		ln = tls.NewListener(ln, cfg.TLS)
	}
	return ln, nil
}

func (b *Broker) advertise() error {
	addr := b.cfg.Advertise
	if addr == "" {
		addr = b.ln.Addr().String()
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("advertised address %q: %w", addr, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("advertised address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); b.cfg.Advertise == "" && (host == "" || ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	b.host, b.port = host, int32(n)
	return nil
}

// Run serves clients until ctx ends. Then it stops accepting connections, answers the
// requests that it has read, flushes, writes a checkpoint and closes everything. It
// returns nil after a clean stop.
func (b *Broker) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { b.clean(b.ctx) })
	unhook := context.AfterFunc(ctx, func() {
		b.stop()
		b.ln.Close()
	})
	defer unhook()
	b.log.Info("broker listening", "addr", b.Addr(), "advertised", net.JoinHostPort(b.host, strconv.Itoa(int(b.port))), "cluster", b.clusterID)
	err := b.accept()
	b.stop()
	b.ln.Close()
	b.connsWG.Wait()
	wg.Wait()
	b.timers.Stop()
	b.txns.Wait()
	return errors.Join(err, b.store.Close())
}

// accept takes connections until the listener is closed.
func (b *Broker) accept() error {
	delay := time.Millisecond
	for {
		nc, err := b.ln.Accept()
		switch {
		case b.ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		case err != nil: // most likely out of file descriptors, for a time
			b.log.Warn("cannot accept a connection", "err", err)
			select {
			case <-time.After(delay):
			case <-b.ctx.Done():
			}
			delay = min(2*delay, time.Second)
			continue
		}
		delay = time.Millisecond
		b.connect(nc)
	}
}

func (b *Broker) connect(nc net.Conn) {
	s := newSession(b, nc)
	b.connsMu.Lock()
	if b.cfg.MaxConnections > 0 && len(b.conns) >= b.cfg.MaxConnections {
		b.connsMu.Unlock()
		b.log.Warn("connection refused: too many", "remote", nc.RemoteAddr(), "limit", b.cfg.MaxConnections)
		b.met.refused.Inc()
		nc.Close()
		return
	}
	b.met.connections.Inc()
	b.conns[s.conn] = struct{}{}
	b.connsMu.Unlock()
	b.connsWG.Go(func() {
		s.conn.Serve(s)
		b.met.connections.Dec()
		b.connsMu.Lock()
		delete(b.conns, s.conn)
		b.connsMu.Unlock()
	})
}

// Close releases a broker that was never run.
func (b *Broker) Close() error {
	b.stop()
	b.ln.Close()
	b.timers.Stop()
	b.txns.Wait()
	return b.store.Close()
}

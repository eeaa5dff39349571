// Package brokertest gives tests our own broker, over real TCP.
package brokertest

import (
	"context"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
)

// Broker is a running broker that can be stopped and started again on the
// same directory and address.
type Broker struct {
	t      testing.TB
	cfg    broker.Config
	cancel context.CancelFunc
	done   chan error
}

// Start runs a broker until the test ends. change may change its configuration.
func Start(t testing.TB, change ...func(*broker.Config)) *Broker {
	t.Helper()
	b := &Broker{t: t, cfg: broker.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), DefaultPartitions: 8}}
	for _, f := range change {
		f(&b.cfg)
	}
	b.Start()
	t.Cleanup(b.Stop)
	return b
}

// Addr is where it listens, also after a restart.
func (b *Broker) Addr() string { return b.cfg.Listen }

// Copy copies the log of a stopped broker.
func (b *Broker) Copy() fs.FS {
	b.t.Helper()
	dir := b.t.TempDir()
	require.NoError(b.t, os.CopyFS(dir, os.DirFS(b.cfg.Dir)))
	return os.DirFS(dir)
}

// PutBack replaces the log of a stopped broker by a copy.
func (b *Broker) PutBack(copied fs.FS) {
	b.t.Helper()
	require.NoError(b.t, os.RemoveAll(b.cfg.Dir))
	require.NoError(b.t, os.CopyFS(b.cfg.Dir, copied))
}

// Start starts a stopped broker again.
func (b *Broker) Start() {
	b.t.Helper()
	s, err := broker.Open(b.cfg)
	require.NoError(b.t, err)
	b.cfg.Listen = s.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel, b.done = cancel, make(chan error, 1)
	go func() { b.done <- s.Run(ctx) }()
}

// Stop stops the broker; a stopped one stays so.
func (b *Broker) Stop() {
	b.t.Helper()
	if b.cancel == nil {
		return
	}
	b.cancel()
	b.cancel = nil
	require.NoError(b.t, <-b.done)
}

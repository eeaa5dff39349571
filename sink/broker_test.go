package sink_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sightlog/sightlog/broker"
)

// newBroker starts a broker on its own directory and returns its address.
// SIGHTLOG_TEST_BROKER=kfake runs these tests on franz-go's test double
// instead: what fails on one alone is that one's fault.
func newBroker(t testing.TB) []string {
	t.Helper()
	if os.Getenv("SIGHTLOG_TEST_BROKER") == "kfake" {
		return fakeBroker(t)
	}
	addr, _ := runBroker(t, t.TempDir(), "127.0.0.1:0")
	return []string{addr}
}

// runBroker runs our broker until stop is called, or the test ends.
func runBroker(t testing.TB, dir, listen string) (addr string, stop func()) {
	t.Helper()
	b, err := broker.Open(broker.Config{Listen: listen, Dir: dir, NoAutoCreate: true, GroupInitialDelay: 50 * time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return b.Addr(), stop
}

func fakeBroker(t testing.TB) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

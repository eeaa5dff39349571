package sink_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// traffic counts what a client takes from its brokers.
type traffic struct {
	read       atomic.Int64 // bytes
	heartbeats atomic.Int64 // of the group, two a second
}

type countedConn struct {
	net.Conn
	of *traffic
}

func (t *traffic) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return countedConn{conn, t}, err
}

func (c countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.of.read.Add(int64(n))
	return n, err
}

func (c countedConn) Write(b []byte) (int, error) {
	if len(b) > 6 && binary.BigEndian.Uint16(b[4:]) == uint16(kmsg.Heartbeat) {
		c.of.heartbeats.Add(1)
	}
	return c.Conn.Write(b)
}

// A database that stands still for long, with a large log behind it: the sink takes two fetches of a MiB
// for each partition, the one that it writes and the next, and no more. Then it goes on where it was.
func TestSink_DatabaseStalls_TakesTwoFetchesAndLosesNothing(t *testing.T) {
	t.Parallel()
	const records, size, bound = 400, 100_000, (2*partitions + 1) << 20
	for name, stall := range map[string]func(t *testing.T, w *world, server int) (goOn func()){
		"table locked": func(t *testing.T, w *world, _ int) func() {
			t.Helper()
			tx, err := w.pool.Begin(t.Context())
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), "LOCK TABLE sink_offsets IN EXCLUSIVE MODE")
			require.NoError(t, err)
			return func() { require.NoError(t, tx.Rollback(t.Context())) }
		},
		"server stopped": func(t *testing.T, _ *world, server int) func() {
			t.Helper()
			signalAll(server, syscall.SIGSTOP)
			return func() { signalAll(server, syscall.SIGCONT) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, pool := ownServer(t)
			w := newWorldOn(t, pool)
			cameras := []string{"porch", "yard", "gate", "hall", "door"}
			cl := w.client(kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(1<<20))
			for n := range records {
				camera := cameras[n%len(cameras)]
				r := record(t, sighting(camera, "run-of-"+camera, n/len(cameras)))
				r.Value = append(r.Value, bytes.Repeat([]byte(" "), size-len(r.Value))...)
				cl.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			require.NoError(t, cl.Flush(t.Context()))

			var taken traffic
			var once sync.Once
			stalled := make(chan func(), 1)
			own := pgtest.Pool(t, private.URL())
			w.start(func(c *sink.Config) {
				c.Pool, c.Consumers, c.MaxRecords, c.Kafka.Dial = own, 1, 5, taken.dial
				c.OnCommit = func(sink.Commit) { once.Do(func() { stalled <- stall(t, w, private.PID()) }) }
			})
			goOn := <-stalled
			defer func() { goOn() }()
			heartbeats := taken.heartbeats.Load()
			w.await("heartbeats of the sink, which waits", func() bool {
				require.Less(t, taken.read.Load(), int64(bound), "bytes that the sink has taken")
				return taken.heartbeats.Load() >= heartbeats+8
			})
			t.Logf("took %.1f MiB of %d", float64(taken.read.Load())/(1<<20), records*size>>20)

			goOn()
			goOn = func() {}
			w.drain()
			w.exactly(records/len(cameras), cameras...)
			require.Greater(t, taken.read.Load(), int64(records*size), "the rest came later")
			require.Empty(t, w.letters(kafka.Sightings))
		})
	}
}

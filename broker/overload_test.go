package broker

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func dialRaw(t testing.TB, b *Broker) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return nc.(*net.TCPConn)
}

// holders returns how many connections hold a part of the budget.
func holders(b *wire.Budget) int {
	_, connections := b.Usage()
	return connections
}

// requireGivenBack sees that nothing of a budget is held any more.
func requireGivenBack(t testing.TB, b *wire.Budget) {
	t.Helper()
	require.Eventually(t, func() bool {
		bytes, _ := b.Usage()
		return bytes == 0
	}, 30*time.Second, time.Millisecond)
}

// announce says that a Produce request of n bytes comes, and sends its first.
func announce(t testing.TB, nc net.Conn, n int) {
	t.Helper()
	head := binary.BigEndian.AppendUint32(nil, uint32(n))
	if _, err := nc.Write(append(head, 0, produceKey, 0, 9, 0)); err != nil {
		t.Log(err) // it was closed by the test's end
	}
}

// slowClients runs n clients that announce the largest request, send its first
// byte, and come again when they are cut.
func slowClients(t testing.TB, b *Broker, n int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				nc, err := net.Dial("tcp", b.Addr())
				if err != nil {
					return // the broker has stopped
				}
				unhook := context.AfterFunc(ctx, func() { nc.Close() })
				announce(t, nc, b.cfg.MaxRequestBytes)
				nc.Read(make([]byte, 1))
				unhook()
				nc.Close()
			}
		})
	}
	stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func TestSlowConnections_AnnounceLargeRequests_OthersServed(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			b, _ := serveBroker(t, Config{})
			stop := slowClients(t, b, n)
			require.Eventually(t, func() bool { return holders(b.requests) == n }, 30*time.Second, time.Millisecond)
			cl := newClient(t, b, kgo.ProducerBatchCompression(kgo.NoCompression()))
			for range 5 {
				require.NoError(t, cl.ProduceSync(testContext(t), &kgo.Record{Topic: "t", Value: make([]byte, 900_000)}).FirstErr())
			}
			require.Len(t, consume(t, newClient(t, b, kgo.ConsumeTopics("t")), 5), 5)
			stop()
			requireGivenBack(t, b.requests)
		})
	}
}

func TestSlowConnection_BelowTheRate_IsCut(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{bodyGrace: time.Millisecond})
	nc := dialRaw(t, b)
	announce(t, nc, 1<<20)
	_, err := nc.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	requireGivenBack(t, b.requests)
}

// A request larger than one connection's part, and a few that together are more
// than the budget, come through all the same.
func TestLargeRequests_MoreThanTheBudget_AllComeThrough(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	b, _ := serveBroker(t, Config{MaxRequestBytes: size + 1<<20, MaxInFlightBytes: 12 << 20})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			nc := dialRaw(t, b)
			if _, err := nc.Write(kmsg.NewRequestFormatter().AppendRequest(nil, produced(size), 1)); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(nc, make([]byte, 10)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	requireGivenBack(t, b.requests)
}

// fetchRequest asks for n bytes of a topic's first partition, from its start.
func fetchRequest(topic string, n int) []byte {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.MinBytes = 4, int32(n), 1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.PartitionMaxBytes = int32(n)
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)
}

// fillLog writes n megabytes.
func fillLog(t testing.TB, b *Broker, topic string, n int) {
	t.Helper()
	cl := newClient(t, b, kgo.ProducerBatchCompression(kgo.NoCompression()))
	for range n {
		require.NoError(t, cl.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Value: make([]byte, 950_000)}).FirstErr())
	}
}

func TestFetch_ManyClientsDoNotRead_MemoryBounded(t *testing.T) {
	const fetchers, pipelined, size = 40, 16, 8 << 20
	b, _ := serveBroker(t, Config{MaxFetchBytes: size, writeTimeout: time.Hour})
	fillLog(t, b, "t", 16)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the pools are emptied by the second
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	conns := make([]*net.TCPConn, fetchers)
	for i := range conns {
		conns[i] = dialRaw(t, b)
		require.NoError(t, conns[i].SetReadBuffer(4096))
		for range pipelined {
			_, err := conns[i].Write(fetchRequest("t", size))
			require.NoError(t, err)
		}
	}
	require.Eventually(t, func() bool { return holders(b.responses) == fetchers }, time.Minute, time.Millisecond)
	now := heap()
	t.Logf("%d MiB", (now-min(before, now))>>20)
	// 92 MiB, under the race detector up to 180: its pools drop what they hold.
	require.Less(t, now-min(before, now), uint64(240<<20), "640 MiB were asked for, and encoded")
	require.Len(t, consume(t, newClient(t, b, kgo.ConsumeTopics("t")), 16), 16, "others are served")
	for _, nc := range conns {
		nc.Close()
	}
	requireGivenBack(t, b.responses)
}

func TestFetch_ClientDoesNotRead_ConnectionClosed(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{writeTimeout: time.Millisecond})
	fillLog(t, b, "t", 4)
	nc := dialRaw(t, b)
	require.NoError(t, nc.SetReadBuffer(4096))
	for range 40 {
		if _, err := nc.Write(fetchRequest("t", 4<<20)); err != nil {
			break
		}
	}
	require.Eventually(t, func() bool {
		b.connsMu.Lock()
		defer b.connsMu.Unlock()
		for c := range b.conns {
			if c.RemoteAddr().String() == nc.LocalAddr().String() {
				return false
			}
		}
		return true
	}, 30*time.Second, time.Millisecond)
	requireGivenBack(t, b.responses)
}

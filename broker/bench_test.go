package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The benchmarks run, with the clients in the same process, the broker; the
// broker without its syncs, which is what clients and protocol alone cost;
// kfake with its sync on; and, in a process of its own, Apache Kafka with a
// sync for each batch and as it comes, without. BenchmarkDisk is what the disk
// could do.
//
//	go test -run '^$' -bench . ./broker

// beside runs loads on each broker, one broker after the other.
func beside(b *testing.B, loads func(b *testing.B, at *target)) {
	for _, served := range []struct {
		name  string
		start func(testing.TB) (addr string)
	}{
		{"sightlog", func(t testing.TB) string {
			t.Helper()
			b, _ := serveBroker(t, Config{})
			return b.Addr()
		}},
		{"sightlog-unsynced", func(t testing.TB) string {
			t.Helper()
			b, _ := serveBroker(t, Config{Flush: storage.FlushOS})
			return b.Addr()
		}},
		{"kfake", func(t testing.TB) string {
			t.Helper()
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()), kfake.SyncWrites())
			require.NoError(t, err)
			t.Cleanup(c.Close)
			return c.ListenAddrs()[0]
		}},
		{"kafka", func(t testing.TB) string {
			t.Helper()
			return kafkatest.Start(t, 1, "log.flush.interval.messages=1").Addrs()
		}},
		{"kafka-unsynced", func(t testing.TB) string { t.Helper(); return kafkatest.Start(t, 1).Addrs() }},
	} {
		b.Run(served.name, func(b *testing.B) { loads(b, &target{addr: served.start(b)}) })
	}
}

// target is a broker that is measured, and the topic of one run.
type target struct {
	addr, topic string
	runs        int
}

// run runs a benchmark on a new topic, and on a disk that has written what
// came before.
func (a *target) run(b *testing.B, name string, partitions int32, fn func(b *testing.B)) {
	b.Run(name, func(b *testing.B) {
		a.runs++
		a.topic = fmt.Sprint("bench-", a.runs)
		cl := a.client(b)
		_, err := kadm.NewClient(cl).CreateTopic(b.Context(), partitions, 1, nil, a.topic)
		require.NoError(b, err)
		for p := range partitions { // every leader is there
			require.NoError(b, cl.ProduceSync(b.Context(), benchRecord(int(p))).FirstErr())
		}
		syscall.Sync()
		fn(b)
	})
}

func (a *target) client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(a.addr), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(a.topic),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// latencies collects how long operations took.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	l.all = append(l.all, d)
	l.mu.Unlock()
}

func (l *latencies) report(b *testing.B, elapsed time.Duration) {
	slices.Sort(l.all)
	at := func(q float64) float64 {
		return float64(l.all[int(q*float64(len(l.all)-1))]) / float64(time.Millisecond)
	}
	b.ReportMetric(float64(len(l.all))/elapsed.Seconds(), "ops/s")
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDisk is the raw limit: 1 KiB written over old bytes and synced, and
// the same appended.
func BenchmarkDisk(b *testing.B) {
	for _, name := range []string{"overwrite", "append"} {
		b.Run(name, func(b *testing.B) {
			f, err := storage.OSFS{}.OpenFile(filepath.Join(b.TempDir(), "f"), os.O_RDWR|os.O_CREATE)
			require.NoError(b, err)
			defer f.Close()
			p := make([]byte, 1024)
			if name == "overwrite" {
				_, err = f.WriteAt(make([]byte, b.N*len(p)), 0)
				require.NoError(b, err)
				require.NoError(b, f.Datasync())
			}
			var lat latencies
			began := time.Now()
			for i := range b.N {
				t0 := time.Now()
				_, err = f.WriteAt(p, int64(i*len(p)))
				require.NoError(b, err)
				require.NoError(b, f.Datasync())
				lat.add(time.Since(t0))
			}
			lat.report(b, time.Since(began))
		})
	}
}

// BenchmarkClosedLoop has n clients that each wait for their 1 KB record to be
// acknowledged before they send the next, each to its own partition.
func BenchmarkClosedLoop(b *testing.B) {
	beside(b, func(b *testing.B, at *target) {
		for _, n := range []int{1, 16} {
			at.run(b, fmt.Sprintf("%dx%d", n, n), int32(n), func(b *testing.B) { closedLoop(b, at, n) })
		}
	})
}

func closedLoop(b *testing.B, at *target, n int) {
	var lat latencies
	clients := make([]*kgo.Client, n)
	for i := range clients {
		clients[i] = at.client(b)
		require.NoError(b, clients[i].ProduceSync(b.Context(), benchRecord(i)).FirstErr())
	}
	b.ResetTimer()
	began := time.Now()
	var wg sync.WaitGroup
	for i, cl := range clients {
		wg.Go(func() {
			for range (b.N + n - 1) / n {
				t0 := time.Now()
				if err := cl.ProduceSync(b.Context(), benchRecord(i)).FirstErr(); err != nil {
					b.Error(err)
					return
				}
				lat.add(time.Since(t0))
			}
		})
	}
	wg.Wait()
	lat.report(b, time.Since(began))
}

var benchValue = make([]byte, 1024)

func benchRecord(partition int) *kgo.Record {
	return &kgo.Record{Partition: int32(partition), Value: benchValue}
}

// BenchmarkOpenLoop has 3 producers that send at a fixed rate to 16 partitions,
// whatever the broker answers.
func BenchmarkOpenLoop(b *testing.B) {
	beside(b, func(b *testing.B, at *target) {
		at.run(b, "1000 per s", 16, func(b *testing.B) { openLoop(b, at, 1000, 0) })
		at.run(b, "20000 per s, linger 5 ms", 16, func(b *testing.B) { openLoop(b, at, 20000, 5*time.Millisecond) })
	})
}

func openLoop(b *testing.B, at *target, rate int, linger time.Duration) {
	const producers, partitions = 3, 16
	var lat latencies
	clients := make([]*kgo.Client, producers)
	for i := range clients {
		clients[i] = at.client(b, kgo.ProducerLinger(linger))
		for p := range partitions {
			require.NoError(b, clients[i].ProduceSync(b.Context(), benchRecord(p)).FirstErr())
		}
	}
	b.ResetTimer()
	began := time.Now()
	var sent, acked sync.WaitGroup
	for i, cl := range clients {
		sent.Go(func() {
			for j := i; j < b.N; j += producers {
				due := began.Add(time.Duration(j) * time.Second / time.Duration(rate))
				pause(time.Until(due))
				acked.Add(1)
				cl.Produce(b.Context(), benchRecord(j%partitions), func(_ *kgo.Record, err error) {
					defer acked.Done()
					if err != nil {
						b.Error(err)
					}
					lat.add(time.Since(due))
				})
			}
		})
	}
	sent.Wait()
	acked.Wait()
	lat.report(b, time.Since(began))
}

// pause waits for a time of day: an open loop is nothing else.
func pause(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// BenchmarkBulk writes as much as it can in large batches to 4 partitions.
func BenchmarkBulk(b *testing.B) {
	beside(b, func(b *testing.B, at *target) {
		at.run(b, "4 partitions", 4, func(b *testing.B) {
			cl := at.client(b, kgo.ProducerBatchMaxBytes(1<<20), kgo.MaxBufferedRecords(20_000), kgo.ProducerLinger(2*time.Millisecond))
			b.SetBytes(int64(len(benchValue)))
			b.ResetTimer()
			for i := range b.N {
				cl.Produce(b.Context(), benchRecord(i/1000%4), func(_ *kgo.Record, err error) {
					if err != nil {
						b.Error(err)
					}
				})
			}
			require.NoError(b, cl.Flush(b.Context()))
		})
	})
}

// BenchmarkTransaction commits one record a transaction.
func BenchmarkTransaction(b *testing.B) {
	beside(b, func(b *testing.B, at *target) {
		at.run(b, "one record", 1, func(b *testing.B) {
			cl := at.client(b, kgo.TransactionalID("bench"))
			var lat latencies
			began := time.Now()
			for range b.N {
				t0 := time.Now()
				require.NoError(b, cl.BeginTransaction())
				require.NoError(b, cl.ProduceSync(b.Context(), benchRecord(0)).FirstErr())
				require.NoError(b, cl.EndTransaction(b.Context(), kgo.TryCommit))
				lat.add(time.Since(t0))
			}
			lat.report(b, time.Since(began))
		})
	})
}

package kafka

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/kafkatest"
)

// BenchmarkPartitioner has 3 producers that send 1,000 records a second of
// 1 KB without keys to 16 partitions, by each partitioner, on our broker and on
// Apache Kafka, which syncs each batch as ours does. KIP-480 says that sticky
// partitioning about halves the latency of round robin, for it makes fewer and
// larger batches.
//
//	go test -run '^$' -bench Partitioner -benchtime 5000x ./kafka
func BenchmarkPartitioner(b *testing.B) {
	for _, broker := range []struct {
		name  string
		start func(b *testing.B) string
	}{
		{"sightlog", func(b *testing.B) string { return brokertest.Start(b).Addr() }},
		{"kafka", func(b *testing.B) string {
			return kafkatest.Start(b, 1, "log.flush.interval.messages=1").Addrs()
		}},
	} {
		b.Run(broker.name, func(b *testing.B) {
			addr := broker.start(b)
			for _, linger := range []time.Duration{0, 5 * time.Millisecond} {
				for name, p := range map[string]kgo.Partitioner{
					"round-robin": kgo.RoundRobinPartitioner(), "sticky": kgo.StickyPartitioner(),
					"uniform-sticky": kgo.UniformBytesPartitioner(64<<10, false, false, nil), // KIP-794
				} {
					b.Run("linger="+linger.String()+"/"+name, func(b *testing.B) {
						benchmarkPartitioner(b, Config{Brokers: []string{addr}, Linger: linger}, p)
					})
				}
			}
		})
	}
}

func benchmarkPartitioner(b *testing.B, cfg Config, p kgo.Partitioner) {
	const producers, partitions, rate, topic = 3, 16, 1000, "partitioner"
	batches := new(countBatches)
	opts, err := cfg.producing()
	require.NoError(b, err)
	opts = append(opts, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(p))
	value := make([]byte, 1024)
	clients := make([]*kgo.Client, producers)
	for i := range clients {
		clients[i], err = cfg.Client(append(opts, kgo.WithHooks(batches))...)
		require.NoError(b, err)
		defer clients[i].Close()
	}
	_, _ = kadm.NewClient(clients[0]).CreateTopic(b.Context(), partitions, 1, nil, topic) // by the first run
	for _, cl := range clients {
		for range 2 * partitions { // it knows every leader
			require.NoError(b, cl.ProduceSync(b.Context(), &kgo.Record{Value: value}).FirstErr())
		}
	}
	batches.reset()
	latencies := make([]time.Duration, b.N)
	b.ResetTimer()
	began := time.Now()
	var sent, acked sync.WaitGroup
	for i, cl := range clients {
		sent.Go(func() {
			for j := i; j < b.N; j += producers {
				due := began.Add(time.Duration(j) * time.Second / rate)
				if d := time.Until(due); d > 0 {
					<-time.After(d)
				}
				acked.Add(1)
				cl.Produce(b.Context(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
					defer acked.Done()
					if err != nil {
						b.Error(err)
					}
					latencies[j] = time.Since(due)
				})
			}
		})
	}
	sent.Wait()
	acked.Wait()
	slices.Sort(latencies)
	at := func(q float64) float64 { return float64(latencies[int(q*float64(b.N-1))].Microseconds()) / 1000 }
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(b.N)/float64(batches.reset()), "records/batch")
	b.ReportMetric(0, "ns/op")
}

// countBatches counts what was written.
type countBatches struct {
	mu sync.Mutex // guards n
	n  int
}

// OnProduceBatchWritten is a hook of kgo.
func (c *countBatches) OnProduceBatchWritten(kgo.BrokerMetadata, string, int32, kgo.ProduceBatchMetrics) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
}

func (c *countBatches) reset() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, c.n = c.n, 0
	return n
}

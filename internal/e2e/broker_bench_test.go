package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// The whole pipeline, four cameras at five frames a second, on the bundled broker as a process of its own and on one node
// of Apache Kafka, in turn, three rounds: the latency of a frame from due to committed, the broker's CPU time for each
// frame and its memory, and its start, from its command to its first answer. Kafka syncs each batch as the bundled
// broker does, or, as is its default, acknowledges from memory.
func BenchmarkBrokers_PipelineInTurn(b *testing.B) {
	clip := testenv.Data(b, "video/vtest.avi")
	kafka := func(settings ...string) func(testing.TB) (string, func() int) {
		return func(t testing.TB) (string, func() int) {
			t.Helper()
			c := kafkatest.Start(t, 1, settings...)
			c.Kill(0) // the start that counts is that of a node that has a log
			return c.Addrs(), func() int {
				c.StartNode(0)
				return c.PID(0)
			}
		}
	}
	sides := []struct {
		name    string
		prepare func(testing.TB) (addr string, begin func() (pid int))
	}{
		{"bundled", func(t testing.TB) (string, func() int) {
			t.Helper()
			addr, dir := testenv.FreeAddr(t), dataDir(t)
			return addr, func() int {
				return start(t, sightlogd, "broker", "--listen", addr, "--data", dir).cmd.Process.Pid
			}
		}},
		{"kafka-synced", kafka("log.flush.interval.messages=1")},
		{"kafka", kafka()},
	}
	for round := range 3 {
		for _, side := range sides {
			b.Run(fmt.Sprintf("%s/%d", side.name, round+1), func(b *testing.B) {
				for range b.N {
					addr, begin := side.prepare(b)
					began := time.Now()
					pid := begin()
					firstAnswer(b, addr)
					b.ReportMetric(float64(time.Since(began).Milliseconds()), "start-ms")
					before, err := service.Usage("broker", pid)
					require.NoError(b, err)
					out := ok(b, sightlog, "bench", "--source", clip, "--model", "person-nano", "--cameras", "4", "--fps", "5", "--warm-up", "10s",
						"--duration", "15s", "--partitions", "8", "--brokers", addr, "--json", "-")
					after, err := service.Usage("broker", pid)
					require.NoError(b, err)
					took := service.Since(before, after)
					r := readReport(b, out)
					due := r.Total.Histograms[benchresult.DueCommitted]
					b.ReportMetric(due.Quantile(.5), "p50-ms")
					b.ReportMetric(due.Quantile(.99), "p99-ms")
					b.ReportMetric(1000*(took.User+took.System)/float64(r.Correct.Stored), "broker-ms/frame")
					b.ReportMetric(float64(after.RSS)/1e6, "broker-MB")
					b.ReportMetric(r.Machine.Load, "load")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// The records of 50 and of 1,000 cameras, at five frames a second each and 600 bytes a sighting, into three nodes of Apache
// Kafka with three replicas, on this one machine: a simulated load, without detectors, sinks and a network.
func BenchmarkCluster_RecordsOfManyCameras(b *testing.B) {
	for _, cameras := range []int{50, 1000} {
		b.Run(fmt.Sprint(cameras), func(b *testing.B) {
			for range b.N {
				c := kafkatest.Start(b, 3)
				cpu := func() (sum float64) {
					for node := range 3 {
						u, err := service.Usage("broker", c.PID(node))
						require.NoError(b, err)
						sum += u.User + u.System
					}
					return sum
				}
				before := cpu()
				out := ok(b, sightlog, "bench", "broker", "--brokers", c.Addrs(), "--rate", fmt.Sprint(5*cameras), "--size", "600", "--partitions", "24",
					"--producers", "5", "--flush", "os", "--rounds", "2", "--duration", "10s", "--json", "-")
				used := cpu() - before
				r := readReport(b, out)
				acknowledged := r.Total.Histograms["due→acknowledged"]
				b.ReportMetric(acknowledged.Quantile(.5), "p50-ms")
				b.ReportMetric(acknowledged.Quantile(.99), "p99-ms")
				b.ReportMetric(1e6*used/float64(r.Correct.Sent), "µs-of-3-nodes/record")
				b.ReportMetric(r.Machine.Load, "load")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// firstAnswer waits until a broker answers a client.
func firstAnswer(t testing.TB, addr string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RetryBackoffFn(func(int) time.Duration { return 5 * time.Millisecond }))
	require.NoError(t, err)
	defer cl.Close()
	for deadline := time.Now().Add(limit); cl.Ping(t.Context()) != nil; {
		require.True(t, time.Now().Before(deadline), "the broker does not answer")
	}
}

package pipeline_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/pipeline"
)

// A log that was put back and has grown to the same end again leaves no lag. A
// run that has nothing to read ends before its sinks have joined their group and
// found the partition stopped.
func TestRun_StoppedPartitionWithoutLag_IsAnError(t *testing.T) {
	t.Parallel()
	url, dir := pgtest.URL(t), t.TempDir()
	brokers, produce := serveLog(t, dir)
	services := pipeline.ServicesConfig{
		Kafka:    config.Kafka{Cluster: config.Cluster{Brokers: []string{brokers}}, Partitions: 1, Compression: "none"},
		Database: config.Database{DatabaseURL: url}, Sinks: config.Sinks{Sinks: 1}, Log: slog.New(slog.DiscardHandler),
	}
	run := func() error {
		_, err := pipeline.Run(t.Context(), pipeline.RunConfig{
			Services: services, Detect: []string{"sh", "-c", `read -r job; echo '{"cameras":[{"id":"door","live":true,"state":"ended"}]}' >&3`},
			Progress: func(pipeline.Progress) {}, Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
		})
		return err
	}
	require.NoError(t, run()) // makes the topics
	produce("sightings", "no sighting: becomes a dead letter, and the offset moves")
	require.NoError(t, run())
	pool := pgtest.Pool(t, url)
	changed, err := pool.Exec(t.Context(), "UPDATE sink_offsets SET last_digest = '\\x00112233445566778899aabbccddeeff' WHERE topic = 'sightings' AND next = 1")
	require.NoError(t, err)
	require.EqualValues(t, 1, changed.RowsAffected())

	require.ErrorContains(t, run(), "not all of the log is in the tables: sightings/0 stopped: ")
	services.Sinks.From = []string{"sightings/earliest"}
	require.NoError(t, run(), "what a user chose")
}

// serveLog runs a broker until the test ends and returns its address and a
// function that writes a record.
func serveLog(t *testing.T, dir string) (addr string, produce func(topic, value string)) {
	t.Helper()
	b, err := broker.Open(broker.Config{Listen: "127.0.0.1:0", Dir: dir, GroupInitialDelay: 50 * time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return b.Addr(), func(topic, value string) {
		cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
		require.NoError(t, err)
		defer cl.Close()
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr())
	}
}

// A stop comes while the sinks are in a pause before they try again what a fault has kept from the
// tables, and the fault has passed: they try at once, and the run ends without an error.
func TestRun_StoppedWhenAFaultHasPassed_NothingIsLeft(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	brokers, produce := serveLog(t, t.TempDir())
	metrics := prometheus.NewRegistry()
	services := pipeline.ServicesConfig{
		Kafka:    config.Kafka{Cluster: config.Cluster{Brokers: []string{brokers}}, Partitions: 1, Compression: "none"},
		Database: config.Database{DatabaseURL: url}, Sinks: config.Sinks{Sinks: 1}, Log: slog.New(slog.DiscardHandler), Metrics: metrics,
	}
	ctx, cancel := context.WithCancel(t.Context())
	started, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := pipeline.Run(ctx, pipeline.RunConfig{
			Services: services, Detect: []string{"sh", "-c", `read -r job; echo '{"cameras":[{"id":"door","live":true,"state":"running"}]}' >&3; read -r end`},
			Started: func(*pipeline.Services) { close(started) }, Progress: func(pipeline.Progress) {}, Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
		})
		done <- err
	}()
	<-started
	pool := pgtest.Pool(t, url)
	const function = "sightlog_advance_offsets(text, uuid[], integer[], bigint[], bigint[], integer[], bytea[], oid[])"
	_, err := pool.Exec(t.Context(), "ALTER FUNCTION "+function+" RENAME TO elsewhere")
	require.NoError(t, err)
	produce("sightings", "no sighting: becomes a dead letter, and the offset moves")
	testenv.Await(t, "the pauses to be long", func() bool { return waits(t, metrics) >= 9 })
	_, err = pool.Exec(t.Context(), "ALTER FUNCTION elsewhere RENAME TO sightlog_advance_offsets")
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, []string{"1"}, pgtest.Lines(t, pool, "SELECT next FROM sink_offsets WHERE topic = 'sightings'"))
}

// waits is how often the sinks have failed and tried again.
func waits(t *testing.T, metrics *prometheus.Registry) float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "sightlog_sink_waits_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}

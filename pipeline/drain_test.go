package pipeline_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
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

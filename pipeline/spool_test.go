package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// openSpool starts a spool of 10 MB in a directory.
func openSpool(t testing.TB, dir, brokers string, drop bool) *pipeline.Spool {
	t.Helper()
	s, err := pipeline.StartSpool(t.Context(), pipeline.SpoolConfig{
		Spool: config.Spool{Spool: dir, SpoolSpace: 0.01, DropOldest: config.DropOldest{DropOldest: drop}},
		Kafka: config.Kafka{Cluster: config.Cluster{Brokers: []string{brokers}}, Partitions: 4},
		Log:   slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	return s
}

// fill produces records from to to-1, of 100 kB, into a spool until one is not taken, and
// returns how many were.
func fill(t testing.TB, s *pipeline.Spool, from, to int) int {
	t.Helper()
	cfg, err := pipeline.ClusterConfig(s.Kafka.Cluster, nil)
	require.NoError(t, err)
	cl, err := cfg.Client(kgo.RecordRetries(0), kgo.ProducerBatchCompression(kgo.NoCompression()))
	require.NoError(t, err)
	defer cl.Close()
	for i := from; i < to; i++ {
		rec := &kgo.Record{Topic: kafka.Sightings, Key: []byte("yard"), Value: fmt.Appendf(nil, "%0100000d", i)}
		if cl.ProduceSync(t.Context(), rec).FirstErr() != nil {
			return i - from
		}
	}
	return to - from
}

func TestSpool_Full_TakesNoMoreUntilTheBrokersAreBack(t *testing.T) {
	t.Parallel()
	centre := brokertest.Start(t)
	centre.Stop()
	dir := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, dir, centre.Addr(), false)
	n := fill(t, s, 0, 200)
	require.InDelta(t, 75, n, 8, "7 MB and a segment")
	testenv.Await(t, "both problems", func() bool { return len(s.Problems()) == 2 })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	left, err := s.Drain(ended)
	require.NoError(t, err)
	require.GreaterOrEqual(t, left, int64(n))
	require.NoError(t, s.Stop())

	s = openSpool(t, dir, centre.Addr(), false) // it is all there
	centre.Start()
	left, err = s.Drain(t.Context())
	require.NoError(t, err)
	require.Zero(t, left)
	require.Equal(t, 5, fill(t, s, n, n+5), "it takes more")
	_, err = s.Drain(t.Context())
	require.NoError(t, errors.Join(err, s.Stop()))
	require.Equal(t, n+5, records(t, centre.Addr()))
}

func TestSpool_FullAndDrop_TakesAll(t *testing.T) {
	t.Parallel()
	centre := brokertest.Start(t)
	centre.Stop()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"), centre.Addr(), true)
	require.Equal(t, 200, fill(t, s, 0, 200))
	require.NoError(t, s.Stop())
}

// A spool that was put back to an older copy has another history than the brokers have: what a user
// may do is what detect has.
func TestSpool_OlderCopy_AnotherDirectoryIsNamed(t *testing.T) {
	t.Parallel()
	centre := brokertest.Start(t)
	dir := filepath.Join(t.TempDir(), "spool")
	run := func(from, to int) {
		s := openSpool(t, dir, centre.Addr(), false)
		require.Equal(t, to-from, fill(t, s, from, to))
		_, err := s.Drain(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.Stop())
	}
	run(0, 3)
	older := filepath.Join(t.TempDir(), "older")
	require.NoError(t, os.CopyFS(older, os.DirFS(dir)))
	run(3, 6)
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.CopyFS(dir, os.DirFS(older)))
	s := openSpool(t, dir, centre.Addr(), false)
	s.AwaitFailure(t.Context())
	err := s.Stop()
	require.True(t, usage.Is(err), err)
	require.ErrorContains(t, err, "put back the right log, or give another --spool directory")
}

// A directory that cannot be is one of --spool: detect has no --data.
func TestStartSpool_DirectoryThatCannotBe_NamesTheFlag(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, dir, testenv.FreeAddr(t), false)
	_, err := pipeline.StartSpool(t.Context(), pipeline.SpoolConfig{
		Spool: config.Spool{Spool: dir, SpoolSpace: 0.01}, Kafka: config.Kafka{Cluster: config.Cluster{Brokers: []string{testenv.FreeAddr(t)}}, Partitions: 1},
	})
	require.True(t, usage.Is(err), err)
	require.ErrorContains(t, err, "--spool "+dir+": in use by another sightlog")
	require.ErrorContains(t, err, "stop it, or give another --spool")
	require.NoError(t, s.Stop())
}

// records returns how many sightings a broker has, each of which must be another one.
func records(t testing.TB, addr string) int {
	t.Helper()
	seen := make(map[string]int)
	cfg := kafka.Config{Brokers: []string{addr}}
	require.NoError(t, kafka.ReadPartitions(t.Context(), cfg, kafka.Sightings, []int32{0, 1, 2, 3}, func(r *kgo.Record) error {
		seen[string(r.Value)]++
		require.Equal(t, 1, seen[string(r.Value)])
		return nil
	}))
	return len(seen)
}

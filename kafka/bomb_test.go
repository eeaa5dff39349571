package kafka_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/kafka"
)

func TestLastRun_BatchTooLargeDecompressed_IsSkipped(t *testing.T) {
	t.Parallel()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := kafka.Config{Brokers: c.ListenAddrs()}
	produce := func(r *event.Run, opts ...kgo.Opt) {
		cl, err := cfg.Client(opts...)
		require.NoError(t, err)
		defer cl.Close()
		require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 1))
		b, err := r.Encode()
		require.NoError(t, err)
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.Runs, Key: []byte(r.ID), Value: b}).FirstErr())
	}
	explode := kgo.WithCompressor(brokertest.Bomb{})
	for _, last := range []bool{false, true} { // between what can be read, and at the end
		r := fileRun()
		r.Source = strings.Repeat("x", 100_000) // a client compresses only what gets smaller
		r.ID, r.StartedAt = "r1", event.At(time.Unix(1_700_000_000, 0))
		produce(&r)
		produce(&r, explode)
		if !last {
			r.ID = "r2"
			produce(&r)
		}
		got, err := kafka.LastRun(t.Context(), cfg, "porch")
		require.NoError(t, err)
		require.NotNil(t, got)
	}
}

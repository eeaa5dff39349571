package occupancy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/occupancy"
)

// Our broker takes no such batch, other brokers do.
func TestProcessor_BatchTooLargeDecompressed_IsSkipped(t *testing.T) {
	t.Parallel()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := newWorldOn(t, nil, c.ListenAddrs()...)
	exploding, err := w.log.Client(kgo.WithCompressor(brokertest.Bomb{}), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	require.NoError(t, err)
	t.Cleanup(exploding.Close)
	reg := prometheus.NewRegistry()
	w.start(func(c *occupancy.Config) { c.Metrics = reg })
	var all []*event.Sighting
	for part := range 3 {
		some := frames(part*50, (part+1)*50, "porch")
		all = append(all, some...)
		w.produce(some...)
		value := []byte(strings.Repeat("x", 100_000)) // a client compresses only what gets smaller
		require.NoError(t, exploding.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: value}).FirstErr())
	}
	w.await("the frames", func() bool {
		return metric(t, reg, "sightlog_occupancy_frames_total", "counted") >= float64(len(all)) &&
			metric(t, reg, "sightlog_occupancy_skipped_total", "unreadable") >= 3
	})
	w.produce(frame("porch", "second-run", 0))
	w.await("the windows", func() bool { return len(w.output()) >= len(reference(time.Minute, time.Minute, all...)) })
	got := w.output()[:len(reference(time.Minute, time.Minute, all...))]
	require.Equal(t, reference(time.Minute, time.Minute, all...), got)
}

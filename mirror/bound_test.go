package mirror_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

// bounded is an edge that keeps 100 kB of each partition, in segments of 10 kB.
func bounded(t testing.TB) *site {
	t.Helper()
	return newSite(t, func(c *broker.Config) {
		c.CleanInterval = 20 * time.Millisecond
		c.TopicDefaults = map[string]string{"retention.bytes": "100000", "segment.bytes": "10000"}
	}).withTopics(1)
}

// messages collects a log.
type messages struct {
	mu   sync.Mutex // guards the following
	text strings.Builder
}

func (m *messages) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(b)
}

func (m *messages) lines(with string) (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for line := range strings.Lines(m.text.String()) {
		if strings.Contains(line, with) {
			all = append(all, line)
		}
	}
	return all
}

// fillUntilRefused produces frames of a camera one by one until the edge refuses one, and
// returns how many it took.
func (s *site) fillUntilRefused(camera string) (n int) {
	s.Helper()
	cl, err := s.cfg.Client(kgo.RecordRetries(0), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerBatchCompression(kgo.NoCompression()))
	require.NoError(s, err)
	defer cl.Close()
	for ; n < 5000; n++ {
		err := cl.ProduceSync(s.Context(), frames(s, n, n+1, camera)...).FirstErr()
		if err != nil {
			require.ErrorIs(s, err, kerr.KafkaStorageError)
			return n
		}
	}
	require.FailNow(s, "the edge took 5000 frames")
	return n
}

// size returns the bytes of the edge's log of sightings.
func (s *site) size() int64 {
	s.Helper()
	var offsets int64
	for _, r := range s.committed(kafka.Sightings) {
		offsets += int64(len(r.Key) + len(r.Value))
	}
	return offsets
}

func TestMirror_EdgeFull_WritesWaitAndNothingIsLost(t *testing.T) {
	t.Parallel()
	edge, centre := bounded(t), newSite(t)
	edge.fill(0, 1, "yard")
	centre.Stop() // it has never been there
	m, stop := start(t, edge, centre)
	testenv.Await(t, "the problem", func() bool { return len(m.Problems()) > 0 })
	taken := edge.fillUntilRefused("porch")
	require.Less(t, edge.size(), int64(120_000))

	// The rest waits until the centre is back.
	rest := make(chan error, 1)
	more := frames(t, taken, 3*taken, "porch")
	go func() {
		var err error
		for few := range slices.Chunk(more, 10) {
			err = errors.Join(err, edge.cl.ProduceSync(context.Background(), few...).FirstErr())
		}
		rest <- err
	}()
	centre.Start()
	require.NoError(t, <-rest)
	testenv.Await(t, "all", func() bool { return edge.mirrored() == int64(1+3*taken) })
	stop()
	rows := newTables(t)
	centre.sinkInto(rows)
	rows.awaitRows(1 + 3*taken)
	centre.requireEach(map[string]int{"yard": 1, "porch": 3 * taken})
	testenv.Await(t, "the edge to remove what is mirrored", func() bool { return edge.size() < 120_000 })
}

func TestMirror_EdgeFullAndDrop_OldestAreCounted(t *testing.T) {
	t.Parallel()
	edge, centre := bounded(t), newSite(t)
	edge.fill(0, 100, "porch")
	require.NoError(t, once(t, edge, centre)) // it holds
	var log messages
	reg := prometheus.NewRegistry()
	drop := func(c *mirror.Config) {
		c.Drop, c.Metrics, c.Log = true, reg, slog.New(slog.NewTextHandler(&log, nil))
	}
	require.NoError(t, once(t, edge, centre, func(c *mirror.Config) { c.Drop = true })) // no longer
	const all = 3000
	for n := 100; n < all; n += 100 {
		edge.fill(n, n+100, "porch")
	}
	testenv.Await(t, "the oldest to be removed", func() bool { return edge.committed(kafka.Sightings)[0].Offset > 1000 })

	require.ErrorContains(t, once(t, edge, centre), "records were removed before they were mirrored; add --drop-oldest")
	require.NoError(t, once(t, edge, centre, drop))
	start := 100 + int64(value(t, reg, "sightlog_mirror_dropped_records_total"))
	require.Greater(t, start, int64(1000))
	lines := log.lines("records were removed before they were mirrored")
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], "level=WARN")
	require.Contains(t, lines[0], "partitions=sightings/0")

	var seqs []int64
	for _, r := range centre.committed(kafka.Sightings) {
		s, err := event.DecodeSighting(r.Value)
		require.NoError(t, err)
		seqs = append(seqs, s.Seq)
	}
	var want []int64
	for n := range int64(all) {
		if n < 100 || n >= start {
			want = append(want, n)
		}
	}
	require.Equal(t, want, seqs)
	rows := newTables(t)
	centre.sinkInto(rows)
	rows.awaitRows(len(want))
}

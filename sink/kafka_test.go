package sink_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
)

// kafkaWorld is a world on one node of Apache Kafka.
func kafkaWorld(t *testing.T) (*world, *kafkatest.Cluster) {
	t.Helper()
	c := kafkatest.Start(t, 1)
	w := &world{TB: t, pool: pgtest.Open(t), stream: kafka.Config{Brokers: strings.Split(c.Addrs(), ",")}}
	w.cl = w.client()
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
	return w, c
}

func TestKafka_TopicMadeAgain_IsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	w, _ := kafkaWorld(t)
	topicMadeAnew(t, w)
}

// The node's disk is put back to an older copy under live sinks: cluster and
// topic ids are the same, and leader epochs are given twice.
func TestKafka_OlderCopyGrownPast_StopsUntilChosen(t *testing.T) {
	t.Parallel()
	w, c := kafkaWorld(t)
	older := filepath.Join(t.TempDir(), "copy")
	again := func(swap func()) {
		c.Kill(0)
		swap()
		c.StartNode(0)
		c.AwaitInSync(kafka.Sightings)
		w.cl = w.client()
	}
	s, _ := w.sink()
	w.fill(0, 40, "porch", "yard")
	w.drain()
	again(func() { require.NoError(t, os.CopyFS(older, os.DirFS(c.LogDir(0)))) })
	w.fill(40, 80, "porch", "yard")
	w.drain()
	again(func() {
		require.NoError(t, os.RemoveAll(c.LogDir(0)))
		require.NoError(t, os.CopyFS(c.LogDir(0), os.DirFS(older)))
	})
	w.fill(80, 150, "porch", "yard")
	parts := w.number("SELECT count(*) FROM sink_offsets WHERE topic = 'sightings' AND next > 0")
	w.await("the partitions to be stopped", func() bool { return len(blocked(s)) == parts })
	w.exactly(80, "porch", "yard")
	w.start(earliest)
	w.drain()
	w.exactly(150, "porch", "yard")
}

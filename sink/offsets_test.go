package sink_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

func TestSink_MarkersAndAbortedRecords_Passed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	producer := w.client(kgo.TransactionalID("sightlog-porch"))
	for n := range 4 {
		require.NoError(t, producer.BeginTransaction())
		require.NoError(t, producer.ProduceSync(t.Context(), record(t, sighting("porch", "r1", n))).FirstErr())
		require.NoError(t, producer.EndTransaction(t.Context(), kgo.TransactionEndTry(n%2 == 0)))
	}
	w.drain() // the log ends with the marker of an aborted transaction
	require.Equal(t, 2, w.number("SELECT count(*) FROM sightings WHERE seq IN (0, 2)"))
	require.Equal(t, 2, w.number("SELECT count(*) FROM sightings"))
	require.Equal(t, 8, w.number("SELECT sum(next) FROM sink_offsets WHERE topic = 'sightings'"))
}

func TestSink_OffsetOutsideTheLog_OnlyItsPartitionStops(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world, partition int32){
		"removed": func(w *world, partition int32) {
			var o kadm.Offsets
			o.Add(kadm.Offset{Topic: kafka.Sightings, Partition: partition, At: 15})
			_, err := kadm.NewClient(w.cl).DeleteRecords(w.Context(), o)
			require.NoError(w, err)
		},
		"beyond": func(w *world, partition int32) {
			_, err := w.pool.Exec(w.Context(), "UPDATE sink_offsets SET next = 1000 WHERE topic = 'sightings' AND partition = $1", partition)
			require.NoError(w, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kmsg.DeleteRecords)
			stop := w.start()
			w.fill(0, 10, "porch", "yard", "gate", "door")
			w.drain()
			stop()
			w.fill(10, 20, "porch", "yard", "gate", "door")
			partition := int32(w.number("SELECT partition FROM sink_offsets WHERE topic = 'sightings' AND next = 10 LIMIT 1"))
			spoil(w, partition)
			was := w.number("SELECT next FROM sink_offsets WHERE topic = 'sightings' AND partition = $1", partition)

			reg := prometheus.NewRegistry()
			var logged strings.Builder
			s, stop := w.sink(func(c *sink.Config) { c.Metrics, c.Log = reg, logInto(&logged) })
			var blocked []sink.PartitionState // none while a partition moves from one consumer to another
			w.await("the partition to be stopped and the others read", func() bool {
				blocked = s.Blocked()
				return len(blocked) == 1 && gauge(t, reg, "sightlog_sink_partition_stopped", fmt.Sprint(partition), kafka.Sightings) == 1 &&
					w.number("SELECT count(*) FROM sightings") == 70
			})
			stop()
			require.Equal(t, sink.Stopped, blocked[0].State)
			require.Contains(t, blocked[0].String(), fmt.Sprintf("sightings/%d stopped: the tables are at offset %d, the log holds", partition, was))
			require.Equal(t, was, w.number("SELECT next FROM sink_offsets WHERE topic = 'sightings' AND partition = $1", partition))
			require.Equal(t, 1, strings.Count(logged.String(), "partition stopped"), logged.String())
			require.Contains(t, logged.String(), fmt.Sprintf("the tables are at offset %d, the log holds", was))
		})
	}
}

func TestSink_TopicRecreated_ReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	topicMadeAnew(t, newWorld(t))
}

func topicMadeAnew(t *testing.T, w *world) {
	t.Helper()
	stop := w.start()
	w.fill(0, 20, "porch", "yard")
	w.drain()
	remake := func() {
		_, err := kadm.NewClient(w.cl).DeleteTopics(t.Context(), kafka.Sightings)
		require.NoError(t, err)
		w.cl = w.client() // a client does not take up a topic's new id
		require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
	}
	stop()
	remake()
	w.fill(20, 40, "porch", "yard")
	w.start()
	w.drain()
	w.exactly(40, "porch", "yard")

	remake() // under the sink's feet
	w.fill(40, 60, "porch", "yard")
	w.drain()
	w.exactly(60, "porch", "yard")
}

func TestSink_PartitionsAdded_Read(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kmsg.CreatePartitions)
	w.start()
	w.fill(0, 5, "porch")
	w.drain()
	r, err := kadm.NewClient(w.cl).CreatePartitions(t.Context(), 2, kafka.Sightings)
	require.NoError(t, err)
	require.NoError(t, r.Error())
	began := time.Now()
	producer := w.client(kgo.RecordPartitioner(kgo.ManualPartitioner())) // has heard of no fewer
	for p := range int32(2) {
		rec := record(t, sighting("yard", "run-of-yard", int(p)))
		rec.Partition = partitions + p
		require.NoError(t, producer.ProduceSync(t.Context(), rec).FirstErr())
	}
	w.await("the new partitions to be read", func() bool { return w.number("SELECT count(*) FROM v_sightings WHERE camera = 'yard'") == 2 })
	t.Logf("read after %s", time.Since(began).Round(time.Millisecond))
}

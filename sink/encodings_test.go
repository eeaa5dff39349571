package sink_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/sink"
)

var encodings = []string{schema.JSON, schema.Avro, schema.Protobuf}

func codec(t testing.TB, r *registrytest.Registry, encoding string) *schema.Codec {
	t.Helper()
	c, err := schema.New(schema.Config{URL: r.URL, Encoding: encoding})
	require.NoError(t, err)
	return c
}

// in returns a record of an event in another encoding.
func in(t testing.TB, c *schema.Codec, topic, camera string, e schema.Event) *kgo.Record {
	t.Helper()
	b, err := c.Encode(t.Context(), e)
	require.NoError(t, err)
	return &kgo.Record{Topic: topic, Key: []byte(camera), Value: b,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(e.Schema())}}}
}

// rowsOf returns what the tables say of sightings and crossings.
func (w *world) rowsOf() (text string) {
	w.Helper()
	require.NoError(w, w.pool.QueryRow(w.Context(), `SELECT
		(SELECT string_agg(d::text, E'\n' ORDER BY seq, object_index) FROM v_detections d) || E'\n' ||
		(SELECT string_agg(c::text, E'\n' ORDER BY seq) FROM v_crossings c)`).Scan(&text))
	return text
}

func TestSink_TopicOfMixedEncodings_RowsOfJSON(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t).Mix()
	codecs := make([]*schema.Codec, len(encodings))
	for i, encoding := range encodings {
		codecs[i] = codec(t, r, encoding)
	}
	fill := func(w *world, of func(n int) *schema.Codec) {
		for n := range 60 {
			s := sighting("porch", "r1", n)
			x := s.Crossing()
			x.Line, x.Direction, x.TrackID, x.Label = "gate", event.In, int64(n), "person"
			w.produce(in(t, of(n), kafka.Sightings, "porch", s), in(t, of(n), kafka.Crossings, "porch", &x))
		}
		w.start(func(c *sink.Config) { c.Consumers = 1 })
		w.drain()
	}
	plain, mixed := newWorld(t), newWorld(t)
	fill(plain, func(int) *schema.Codec { return nil })
	mixed.stream.Schemas = codecs[0]
	fill(mixed, func(n int) *schema.Codec { return codecs[n%len(codecs)] })
	require.Equal(t, 60, mixed.number("SELECT count(*) FROM sightings"))
	require.Equal(t, 60, mixed.number("SELECT count(*) FROM v_crossings"))
	require.Equal(t, plain.rowsOf(), mixed.rowsOf())
	require.Empty(t, mixed.deadLetters())
}

func (w *world) deadLetters() []kafka.DeadLetter {
	w.Helper()
	letters, err := kafka.ReadDeadLetters(w.Context(), w.stream, kafka.Sightings, kafka.Crossings)
	require.NoError(w, err)
	return letters
}

// A registry that is away is no fault of a record: its partition waits, and others do not.
func TestSink_RegistryAway_PartitionWaits(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), registrytest.Start(t).Mix()
	avro := codec(t, r, schema.Avro)
	waits, goesOn := "porch", "gate"
	require.NotEqual(t, kafka.Partition([]byte(waits), partitions), kafka.Partition([]byte(goesOn), partitions))
	w.fill(0, 2, waits)
	for n := 2; n < 5; n++ {
		w.produce(in(t, avro, kafka.Sightings, waits, sighting(waits, "run-of-"+waits, n)))
	}
	r.Stop()
	w.stream.Schemas = codec(t, r, schema.JSON)
	s, _ := w.sink()
	w.await("the partition to wait", func() bool { return len(s.Blocked()) == 1 })
	require.Equal(t, sink.Waiting, s.Blocked()[0].State)
	require.Contains(t, s.Blocked()[0].Reason, "the schema registry cannot be used: "+r.URL)
	w.fill(0, 10, goesOn)
	w.await("the other partition", func() bool { return w.number("SELECT count(*) FROM sightings") == 12 })
	r.Start()
	w.drain()
	require.Equal(t, 15, w.number("SELECT count(*) FROM sightings"))
	require.Empty(t, w.deadLetters())
	w.await("no partition to wait", func() bool { return len(s.Blocked()) == 0 })
}

// The records behind one whose schema cannot be had come with a later fetch of the same transaction.
func TestSink_RegistryAwayWhileABatchGathers_NothingIsPassedOver(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), registrytest.Start(t).Mix()
	second := in(t, codec(t, r, schema.Avro), kafka.Sightings, "porch", sighting("porch", "run-of-porch", 1))
	r.Stop()
	w.stream.Schemas = codec(t, r, schema.JSON)
	s, _ := w.sink(func(c *sink.Config) { c.BatchDelay = time.Second })
	w.fill(0, 1, "porch")
	w.drain()
	w.produce(second)
	w.fill(2, 6, "porch")
	w.await("the partition to wait", func() bool { return len(s.Blocked()) == 1 })
	require.Equal(t, 1, w.number("SELECT max(next) FROM sink_offsets WHERE topic = 'sightings'"))
	r.Start()
	w.drain()
	require.Equal(t, 6, w.number("SELECT count(*) FROM sightings"))
}

// Without a registry such a record becomes a dead letter, which can be retried once there is one.
func TestSink_NoRegistry_DeadLetterUntilRetried(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), registrytest.Start(t).Mix()
	w.produce(in(t, codec(t, r, schema.Protobuf), kafka.Sightings, "porch", sighting("porch", "run-of-porch", 0)))
	stop := w.start()
	w.drain()
	letters := w.deadLetters()
	require.Len(t, letters, 1)
	require.Contains(t, letters[0].Cause, "no schema registry is configured")
	stop()
	w.stream.Schemas = codec(t, r, schema.JSON)
	n, err := kafka.RetryDeadLetters(t.Context(), w.stream, letters)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	w.start()
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM sightings"))
}

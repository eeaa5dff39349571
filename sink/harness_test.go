package sink_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

const partitions = 4

// world is a log and a database, with a client to look at the log with.
type world struct {
	testing.TB
	stream kafka.Config
	pool   *pgxpool.Pool
	cl     *kgo.Client
}

func newWorld(t testing.TB, needs ...kmsg.Key) *world {
	t.Helper()
	return newWorldOn(t, pgtest.Open(t), needs...)
}

// newWorldOn uses franz-go's test double where our broker does not serve what
// the test needs.
func newWorldOn(t testing.TB, pool *pgxpool.Pool, needs ...kmsg.Key) *world {
	t.Helper()
	w := &world{TB: t, pool: pool, stream: kafka.Config{Brokers: newBroker(t)}}
	w.cl = w.client()
	for _, key := range needs {
		if !w.serves(key) {
			t.Logf("the broker does not serve %s: on the test double", key.Name())
			w.stream.Brokers = fakeBroker(t)
			w.cl = w.client()
		}
	}
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
	return w
}

func (w *world) serves(key kmsg.Key) bool {
	w.Helper()
	all, err := kadm.NewClient(w.cl).ApiVersions(w.Context())
	require.NoError(w, err)
	for _, b := range all {
		if _, ok := b.KeyMaxVersion(key.Int16()); !ok {
			return false
		}
	}
	return true
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.Helper()
	cl, err := w.stream.Client(append([]kgo.Opt{kgo.ProducerLinger(0), kgo.UnknownTopicRetries(-1)}, opts...)...)
	require.NoError(w, err)
	w.Cleanup(cl.Close)
	return cl
}

// start runs a sink until the returned function is called, or the test ends.
func (w *world) start(change ...func(*sink.Config)) (stop func()) {
	w.Helper()
	_, stop = w.sink(change...)
	return stop
}

func (w *world) sink(change ...func(*sink.Config)) (s *sink.Sink, stop func()) {
	w.Helper()
	cfg := sink.Config{Kafka: w.stream, Pool: w.pool, Log: slog.New(slog.NewTextHandler(w.Output(), nil))}
	for _, f := range change {
		f(&cfg)
	}
	s, err := sink.New(cfg)
	require.NoError(w, err)
	return s, testenv.Run(w, s.Run)
}

// drain waits until the tables hold what the log holds.
func (w *world) drain() {
	w.Helper()
	w.await("the sink to catch up", func() bool {
		lag, err := sink.CaughtUp(w.Context(), w.cl, w.pool, kafka.Topics()...)
		return err == nil && lag == 0
	})
}

// await waits for ok. The limit is only there to name what a hang waited for.
func (w *world) await(what string, ok func() bool) {
	w.Helper()
	testenv.Await(w, what, ok)
}

// origin is when the tests' runs started: now, to the second, so that the days
// have partitions.
var origin = time.Now().UTC().Truncate(time.Second)

// sighting is the n-th of a run: with n % 3 people, 40 ms apart.
func sighting(camera, run string, n int) *event.Sighting {
	at := origin.Add(time.Duration(n) * 40 * time.Millisecond)
	s := &event.Sighting{
		Camera: camera, Run: run, Seq: int64(n), SourceKind: event.SourceFile, PTS: int64(n) * 40_000,
		CapturedAt: event.At(at), GrabbedAt: event.At(at), DecodedAt: event.At(at.Add(time.Millisecond)),
		InferredAt: event.At(at.Add(12 * time.Millisecond)), ProducedAt: event.At(at.Add(13 * time.Millisecond)),
		Frame: event.Size{Width: 768, Height: 576},
		Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"},
	}
	for i := range n % 3 {
		x := float32(10 * i)
		s.Objects = append(s.Objects, event.Object{Index: i, Label: "person", Score: 0.9 - float32(i)/10, Box: event.Box{x, 20, x + 5.5, 60}})
	}
	return s
}

func record(t testing.TB, s *event.Sighting) *kgo.Record {
	t.Helper()
	b, err := s.Encode()
	require.NoError(t, err)
	return &kgo.Record{Topic: kafka.Sightings, Key: []byte(s.Camera), Value: b,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaSighting)}}}
}

func runRecord(t testing.TB, r *event.Run) *kgo.Record {
	t.Helper()
	b, err := r.Encode()
	require.NoError(t, err)
	return &kgo.Record{Topic: kafka.Runs, Key: []byte(r.ID), Value: b,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaRun)}}}
}

func (w *world) produce(recs ...*kgo.Record) {
	w.Helper()
	require.NoError(w, w.cl.ProduceSync(w.Context(), recs...).FirstErr())
}

// fill produces sightings from to to-1 of a run of each camera.
func (w *world) fill(from, to int, cameras ...string) {
	w.Helper()
	var recs []*kgo.Record
	for n := from; n < to; n++ {
		for _, c := range cameras {
			recs = append(recs, record(w, sighting(c, "run-of-"+c, n)))
		}
	}
	w.produce(recs...)
}

// people is the number of detections in sightings from to to-1 of fill.
func people(from, to int) (n int) {
	for i := from; i < to; i++ {
		n += i % 3
	}
	return n
}

// number returns what a question with one integer for an answer says.
func (w *world) number(sql string, args ...any) (n int) {
	w.Helper()
	require.NoError(w, w.pool.QueryRow(w.Context(), sql, args...).Scan(&n), sql)
	return n
}

// logInto returns a logger that writes to b. Read b when the sink has stopped.
func logInto(b *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// partitionOf is where a camera's records go.
func (w *world) partitionOf(camera string) int {
	w.Helper()
	r := record(w, sighting(camera, "run-of-"+camera, 0))
	w.produce(r) // once more: the tables hold it once
	return int(r.Partition)
}

// limitMessages sets the largest record batch a topic takes.
func (w *world) limitMessages(topic string, bytes int) {
	w.Helper()
	v := fmt.Sprint(bytes)
	r, err := kadm.NewClient(w.cl).AlterTopicConfigs(w.Context(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &v}}, topic)
	require.NoError(w, err)
	_, err = r.On(topic, func(a *kadm.AlterConfigsResponse) error { return a.Err })
	require.NoError(w, err)
}

func maxRecords(n int) func(*sink.Config) { return func(c *sink.Config) { c.MaxRecords = n } }

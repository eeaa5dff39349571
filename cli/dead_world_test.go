package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// deadWorld is a log with a sink and its database, and a command line.
type deadWorld struct {
	testing.TB
	at   []string // flags that name the log
	cfg  kafka.Config
	cl   *kgo.Client
	pool *pgxpool.Pool
}

// newDeadWorld is on the bundled broker of a data directory.
func newDeadWorld(t testing.TB) *deadWorld {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		env := &Env{Name: "sightlogd", Stdout: io.Discard, Stderr: t.Output()}
		done <- run(ctx, env, &Services{}, []string{"broker", "--data", dir, "--listen", "127.0.0.1:0"})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	w := &deadWorld{TB: t, at: []string{"--data", dir}}
	w.await("the broker", func() bool {
		e, err := datadir.ReadEndpoints(dir)
		w.cfg.Brokers = []string{e.Broker}
		return err == nil && e.Broker != ""
	})
	w.open()
	return w
}

// deadWorldOn is on the brokers of any cluster.
func deadWorldOn(t testing.TB, brokers ...string) *deadWorld {
	t.Helper()
	w := &deadWorld{TB: t, at: []string{"--brokers", strings.Join(brokers, ",")}, cfg: kafka.Config{Brokers: brokers}}
	w.open()
	return w
}

// newFakeDeadWorld is on franz-go's test double of a cluster.
func newFakeDeadWorld(t testing.TB) *deadWorld {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return deadWorldOn(t, c.ListenAddrs()...)
}

// newKafkaDeadWorld is on one node of Apache Kafka.
func newKafkaDeadWorld(t testing.TB) *deadWorld {
	t.Helper()
	return deadWorldOn(t, strings.Split(kafkatest.Start(t, 1).Addrs(), ",")...)
}

func (w *deadWorld) open() {
	w.Helper()
	w.pool = pgtest.Open(w)
	first, err := w.cfg.Client()
	require.NoError(w, err)
	defer first.Close()
	require.NoError(w, kafka.EnsureTopics(w.Context(), first, 1))
	w.cl, err = w.cfg.Client(kgo.ProducerLinger(0))
	require.NoError(w, err)
	w.Cleanup(w.cl.Close)
	w.startSink()
}

func (w *deadWorld) await(what string, ok func() bool) {
	w.Helper()
	limit := time.After(3 * time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			require.FailNow(w, "waited three minutes for "+what)
		}
	}
}

// startSink runs a sink until the test ends.
func (w *deadWorld) startSink() {
	w.Helper()
	s, err := sink.New(sink.Config{Kafka: w.cfg, Pool: w.pool, Consumers: 1, Log: slog.New(slog.NewTextHandler(w.Output(), nil))})
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		require.NoError(w, <-done)
	})
}

// drain waits until the tables have what the log has.
func (w *deadWorld) drain() {
	w.Helper()
	w.await("the sink to catch up", func() bool {
		lag, err := sink.CaughtUp(w.Context(), w.cl, w.pool, kafka.Topics()...)
		return err == nil && lag == 0
	})
}

func (w *deadWorld) produce(recs ...*kgo.Record) {
	w.Helper()
	require.NoError(w, w.cl.ProduceSync(w.Context(), recs...).FirstErr())
}

func (w *deadWorld) produceWith(rec *kgo.Record, opts ...kgo.Opt) {
	w.Helper()
	cl, err := w.cfg.Client(opts...)
	require.NoError(w, err)
	defer cl.Close()
	require.NoError(w, cl.ProduceSync(w.Context(), rec).FirstErr())
}

func (w *deadWorld) exec(sql string) {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), sql)
	require.NoError(w, err)
}

func (w *deadWorld) number(sql string) (n int) {
	w.Helper()
	require.NoError(w, w.pool.QueryRow(w.Context(), sql).Scan(&n), sql)
	return n
}

// dead runs a command without a terminal and returns its exit code and output.
func (w *deadWorld) dead(args ...string) (code int, stdout, stderr string) {
	w.Helper()
	return w.deadWith(strings.NewReader("y\n"), args...)
}

func (w *deadWorld) deadWith(stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	w.Helper()
	var out, errs bytes.Buffer
	env := &Env{Name: "sightlogd", Stdin: stdin, Stdout: &out, Stderr: &errs}
	if err := run(w.Context(), env, &Services{}, append(append([]string{"dead"}, args...), w.at...)); err != nil {
		return ExitCode(err), out.String(), errs.String() + err.Error()
	}
	return 0, out.String(), errs.String()
}

// listed is a row of dead list.
type listed struct {
	Written, Key, Camera, Kept, Reason string
	Bytes                              int
}

func (w *deadWorld) list(args ...string) (rows []listed) {
	w.Helper()
	code, stdout, stderr := w.dead(append([]string{"list", "--format", "json"}, args...)...)
	require.Zero(w, code, stderr)
	require.NoError(w, json.Unmarshal([]byte(stdout), &rows), stdout)
	require.Equal(w, len(rows) == 0, stderr != "", "an empty list is explained: %s", stderr)
	return rows
}

// keys returns those of dead list.
func (w *deadWorld) keys(args ...string) (keys []string) {
	w.Helper()
	for _, row := range w.list(args...) {
		keys = append(keys, row.Key)
	}
	return keys
}

// frame is a sighting of the camera porch, with one person.
func frame(t testing.TB, seq int64) *kgo.Record {
	t.Helper()
	at := event.At(time.Now().Truncate(time.Hour).Add(time.Duration(seq) * time.Second))
	s := &event.Sighting{
		Camera: "porch", Run: "r1", Seq: seq, SourceKind: event.SourceFile, CapturedAt: at, GrabbedAt: at, DecodedAt: at, InferredAt: at, ProducedAt: at,
		Frame: event.Size{Width: 64, Height: 48}, Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{32, 32}, Provider: "cpu"},
		Objects: []event.Object{{Label: "person", Score: 0.9, Box: event.Box{1, 2, 3, 4}}},
	}
	b, err := s.Encode()
	require.NoError(t, err)
	return &kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: b, Headers: []kgo.RecordHeader{
		{Key: event.HeaderSchema, Value: []byte(event.SchemaSighting)}, {Key: "note", Value: []byte("of the producer")},
	}}
}

// junk is a record that does not decode.
func junk(topic, key, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}
}

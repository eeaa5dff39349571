package mirror_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
	"github.com/sightlog/sightlog/sink"
)

// TestMain is also the process that tests kill (world.process).
func TestMain(m *testing.M) {
	if edge := os.Getenv("SIGHTLOG_TEST_MIRROR_SOURCE"); edge != "" {
		cfg := impatient(kafka.Config{Brokers: []string{edge}}, kafka.Config{Brokers: []string{os.Getenv("SIGHTLOG_TEST_MIRROR_TARGET")}})
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		r, err := mirror.New(cfg)
		if err == nil {
			err = r.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m,
		// The tests' PostgreSQL outlives them.
		goleak.IgnoreAnyFunction("github.com/sightlog/sightlog/postgres.(*Private).launch.func1"),
		// A client's Close leaves its group anew though it was left before,
		// and does not wait for that.
		goleak.IgnoreAnyFunction("github.com/twmb/franz-go/pkg/kgo.(*Client).LeaveGroupContext.func1"))
}

// impatient is a configuration whose transactions are small.
func impatient(source, target kafka.Config) mirror.Config {
	return mirror.Config{Source: source, Target: target, Interval: time.Millisecond, MaxRecords: 50}
}

// site is a cluster with a client to use it with.
type site struct {
	testing.TB
	*brokertest.Broker // nil: Apache Kafka
	cfg                kafka.Config
	cl                 *kgo.Client
}

// newSite starts a broker.
func newSite(t testing.TB, change ...func(*broker.Config)) *site {
	t.Helper()
	b := brokertest.Start(t, change...)
	s := siteAt(t, b.Addr())
	s.Broker = b
	return s
}

func siteAt(t testing.TB, addrs ...string) *site {
	t.Helper()
	s := &site{TB: t, cfg: kafka.Config{Brokers: addrs}}
	var err error
	s.cl, err = s.cfg.Client(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.UnknownTopicRetries(-1), kgo.ProducerBatchCompression(kgo.NoCompression()))
	require.NoError(t, err)
	t.Cleanup(s.cl.Close)
	return s
}

// withTopics creates sightlog's topics, with as many partitions of sightings.
func (s *site) withTopics(partitions int32) *site {
	s.Helper()
	cl, err := s.cfg.Client() // its cache of metadata is not used again
	require.NoError(s, err)
	defer cl.Close()
	require.NoError(s, kafka.EnsureTopics(s.Context(), cl, partitions))
	return s
}

// origin is the time of the tests' first frames.
var origin = time.Now().UTC().Truncate(time.Second)

// sighting is the n-th of a run: with n % 3 people.
func sighting(camera string, n int) *event.Sighting {
	at := event.At(origin.Add(time.Duration(n) * 40 * time.Millisecond))
	s := &event.Sighting{
		Camera: camera, Run: "run-of-" + camera, Seq: int64(n), SourceKind: event.SourceFile, PTS: int64(n) * 40_000,
		CapturedAt: at, GrabbedAt: at, DecodedAt: at, InferredAt: at, ProducedAt: at, Frame: event.Size{Width: 768, Height: 576},
		Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"},
	}
	for i := range n % 3 {
		s.Objects = append(s.Objects, event.Object{Index: i, Label: "person", Score: 0.9, Box: event.Box{float32(i), 20, float32(i) + 5, 60}})
	}
	return s
}

func (s *site) produce(recs ...*kgo.Record) {
	s.Helper()
	require.NoError(s, s.cl.ProduceSync(s.Context(), recs...).FirstErr())
}

// frames are the records of sightings from to to-1 of each camera.
func frames(t testing.TB, from, to int, cameras ...string) (recs []*kgo.Record) {
	t.Helper()
	for n := from; n < to; n++ {
		for _, c := range cameras {
			b, err := sighting(c, n).Encode()
			require.NoError(t, err)
			recs = append(recs, &kgo.Record{
				Topic: kafka.Sightings, Key: []byte(c), Value: b, Timestamp: origin.Add(time.Duration(n) * 40 * time.Millisecond),
				Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaSighting)}},
			})
		}
	}
	return recs
}

// fill produces frames, those of a camera in order.
func (s *site) fill(from, to int, cameras ...string) {
	s.Helper()
	s.produce(frames(s, from, to, cameras...)...)
}

// start runs a mirror until the returned function is called, or the test ends.
func start(t testing.TB, source, target *site, change ...func(*mirror.Config)) (m *mirror.Mirror, stop func()) {
	t.Helper()
	m = create(t, source, target, change...)
	return m, testenv.Run(t, m.Run)
}

func create(t testing.TB, source, target *site, change ...func(*mirror.Config)) *mirror.Mirror {
	t.Helper()
	cfg := impatient(source.cfg, target.cfg)
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	for _, f := range change {
		f(&cfg)
	}
	m, err := mirror.New(cfg)
	require.NoError(t, err)
	return m
}

// once mirrors all that the source has.
func once(t testing.TB, source, target *site, change ...func(*mirror.Config)) error {
	t.Helper()
	m := create(t, source, target, append(change, func(c *mirror.Config) { c.Once = true })...)
	return m.Run(t.Context())
}

// committed returns the committed records of a topic, each partition's in order.
func (s *site) committed(topic string) (all []*kgo.Record) {
	s.Helper()
	partitions := make([]int32, 16)
	for i := range partitions {
		partitions[i] = int32(i)
	}
	require.NoError(s, kafka.ReadPartitions(s.Context(), s.cfg, topic, partitions, func(r *kgo.Record) error {
		all = append(all, r)
		return nil
	}))
	return all
}

// requireFrames sees that a topic has sightings 0 to n-1 of each camera once, in order.
func (s *site) requireFrames(n int, cameras ...string) {
	s.Helper()
	want := make(map[string]int)
	for _, c := range cameras {
		want[c] = n
	}
	s.requireEach(want)
}

// requireEach is requireFrames with a number for each camera.
func (s *site) requireEach(want map[string]int) {
	s.Helper()
	next := make(map[string]int)
	for _, r := range s.committed(kafka.Sightings) {
		f, err := event.DecodeSighting(r.Value)
		require.NoError(s, err)
		require.EqualValues(s, next[f.Camera], f.Seq, "of camera %s", f.Camera)
		next[f.Camera]++
	}
	require.Equal(s, want, next)
}

// end returns the sum of the ends of a topic's partitions, 0 while there is none.
func (s *site) end(topic string) (n int64) {
	s.Helper()
	ends, err := kadm.NewClient(s.cl).ListCommittedOffsets(s.Context(), topic)
	if err != nil || ends.Error() != nil {
		return 0
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// mirrored returns how many of the source's sightings are before the group's offsets.
func (s *site) mirrored() (n int64) {
	s.Helper()
	offsets, err := kadm.NewClient(s.cl).FetchOffsets(s.Context(), mirror.Group)
	if err != nil {
		return 0
	}
	for _, o := range offsets[kafka.Sightings] {
		n += o.At
	}
	return n
}

// settings returns the settings of a topic.
func (s *site) settings(topic string) map[string]string {
	s.Helper()
	described, err := kadm.NewClient(s.cl).DescribeTopicConfigs(s.Context(), topic)
	require.NoError(s, err)
	all := make(map[string]string)
	for _, c := range described[0].Configs {
		all[c.Key] = *c.Value
	}
	return all
}

// tables is the database of the centre.
type tables struct {
	testing.TB
	pool *pgxpool.Pool
}

// sinkInto runs the sinks of a site into tables.
func (s *site) sinkInto(t *tables) (stop func()) {
	s.Helper()
	return s.sinkAs(sink.Group, t)
}

// sinkAs is sinkInto as another group.
func (s *site) sinkAs(group string, t *tables) (stop func()) {
	s.Helper()
	k, err := sink.New(sink.Config{Kafka: s.cfg, Pool: t.pool, Group: group, Log: slog.New(slog.NewTextHandler(s.Output(), nil))})
	require.NoError(s, err)
	return testenv.Run(s, k.Run)
}

func newTables(t testing.TB) *tables {
	t.Helper()
	return &tables{t, pgtest.Open(t)}
}

// requireFrames waits until the tables have sightings 0 to n-1 of each camera, and sees that
// they have each of them once, with its detections.
func (t *tables) requireFrames(n int, cameras ...string) {
	t.Helper()
	want := make(map[string]int)
	for _, c := range cameras {
		want[c] = n
	}
	t.requireEach(want)
}

// requireEach is requireFrames with a number for each camera.
func (t *tables) requireEach(frames map[string]int) {
	t.Helper()
	total := 0
	for _, n := range frames {
		total += n
	}
	t.awaitRows(total)
	for c, n := range frames {
		var rows, distinct, last, people int
		require.NoError(t, t.pool.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT seq), max(seq), sum(people)
			FROM v_sightings WHERE camera = $1`, c).Scan(&rows, &distinct, &last, &people))
		require.Equal(t, []int{n, n, n - 1}, []int{rows, distinct, last}, c)
		want := 0
		for i := range n {
			want += i % 3
		}
		require.Equal(t, want, people, c)
	}
	var all int
	require.NoError(t, t.pool.QueryRow(t.Context(), `SELECT count(*) FROM sightings`).Scan(&all))
	require.Equal(t, total, all)
	pgtest.TotalsAgree(t, t.pool)
}

func (t *tables) awaitRows(n int) {
	t.Helper()
	testenv.Await(t, fmt.Sprint(n, " rows"), func() bool {
		var rows int
		require.NoError(t, t.pool.QueryRow(t.Context(), `SELECT count(*) FROM sightings`).Scan(&rows))
		return rows >= n
	})
}

// value returns the sum of a metric over its labels.
func value(t testing.TB, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

package sink_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/stream"
)

// exactly asserts that the tables hold sightings 0 to n-1 of each camera's
// run, each once.
func (w *world) exactly(n int, cameras ...string) {
	w.Helper()
	require.Equal(w, n*len(cameras), w.number("SELECT count(*) FROM sightings"))
	require.Equal(w, people(0, n)*len(cameras), w.number("SELECT count(*) FROM detections"))
	for _, c := range cameras {
		require.Equal(w, n, w.number("SELECT count(DISTINCT seq) FROM v_sightings WHERE camera = $1 AND seq < $2", c, n), c)
	}
}

// letters reads the dead letters of a topic.
func (w *world) letters(topic string) []*kgo.Record {
	w.Helper()
	ends, err := kadm.NewClient(w.cl).ListEndOffsets(w.Context(), stream.DeadTopic(topic))
	require.NoError(w, err)
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += max(0, o.Offset) })
	cl := w.client(kgo.ConsumeTopics(stream.DeadTopic(topic)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var recs []*kgo.Record
	for int64(len(recs)) < want {
		f := cl.PollFetches(w.Context())
		require.NoError(w, f.Err())
		recs = append(recs, f.Records()...)
	}
	return recs
}

func head(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// gauge reads a metric with the given labels, or 0.
func gauge(t testing.TB, reg *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			for i, l := range m.GetLabel() {
				if l.GetValue() != labels[i] {
					continue metrics
				}
			}
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return 0
}

func TestTransactionMarkersAndAbortedRecordsArePassed(t *testing.T) {
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

func TestRecordsThatCannotBeStoredAreBuriedAndTheOthersStored(t *testing.T) {
	t.Parallel()
	for _, frames := range []int{60, 900} { // below and above what is tried with COPY first
		t.Run(fmt.Sprint(frames), func(t *testing.T) { t.Parallel(); testPoison(t, frames) })
	}
}

func testPoison(t *testing.T, frames int) {
	w := newWorld(t)
	_, err := w.pool.Exec(t.Context(), "ALTER TABLE sightings ADD CONSTRAINT no_thirteen CHECK (seq <> 13)")
	require.NoError(t, err)

	spoilt := map[int]func(*event.Sighting){
		7:  func(s *event.Sighting) { s.Objects[0].ClassID, s.Objects[0].Label = 5, "per\x00son" }, // 22021
		13: func(*event.Sighting) {},                                                               // 23514
		28: func(s *event.Sighting) { s.Objects[0].ClassID = math.MaxInt32 + 1 },                   // 22003
		29: func(s *event.Sighting) { s.Frame.Width = math.MaxInt32 + 1 },                          // 22003
		40: func(s *event.Sighting) { s.Camera = "Not A Camera" },                                  // not decodable
	}
	var recs []*kgo.Record
	for n := range frames {
		s := sighting("porch", "run-of-porch", n)
		if spoil, ok := spoilt[n]; ok {
			spoil(s)
		}
		r := record(t, s)
		r.Key = []byte("porch") // one partition
		recs = append(recs, r)
	}
	junk := &kgo.Record{Topic: stream.Sightings, Key: []byte("porch"), Value: []byte("{not json"),
		Timestamp: time.Now().Add(-time.Hour)} // long in the log, and still buried
	strange := record(t, sighting("porch", "run-of-porch", 1))
	strange.Key = []byte("porch")
	strange.Headers = []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte("sightlog.sighting.v9")}}
	recs = append(recs, junk, strange)
	w.produce(recs...)

	w.start()
	w.drain()
	require.Equal(t, frames-5, w.number("SELECT count(*) FROM sightings"))
	letters := w.letters(stream.Sightings)
	causes := make(map[string]string)
	for _, l := range letters {
		require.Equal(t, stream.Sightings, head(l, sink.HeaderDeadTopic))
		require.Equal(t, "porch", head(l, sink.HeaderDeadKey))
		require.Equal(t, fmt.Sprintf("sightings/%s/%s", head(l, sink.HeaderDeadPartition), head(l, sink.HeaderDeadOffset)), string(l.Key))
		causes[head(l, sink.HeaderDeadOffset)] = head(l, sink.HeaderDeadCause)
		require.Equal(t, recs[atoi(t, head(l, sink.HeaderDeadOffset))].Value, l.Value)
	}
	for offset, want := range map[string]string{
		"7": "invalid byte sequence", "13": "no_thirteen", "28": "integer out of range", "29": "integer out of range",
		"40": `camera "Not A Camera"`, fmt.Sprint(frames): "invalid character", fmt.Sprint(frames + 1): `schema "sightlog.sighting.v9" is not known`,
	} {
		require.Contains(t, causes[offset], want)
	}
	require.Len(t, letters, 7, "%v", causes)
}

func atoi(t testing.TB, s string) (n int) {
	t.Helper()
	_, err := fmt.Sscan(s, &n)
	require.NoError(t, err)
	return n
}

func TestBatchOfNothingButPoisonIsBuried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var recs []*kgo.Record
	for range 50 {
		recs = append(recs, &kgo.Record{Topic: stream.Sightings, Key: []byte("porch"), Value: []byte("x")},
			&kgo.Record{Topic: stream.Runs, Key: []byte("r"), Value: []byte("x")})
	}
	w.produce(recs...)
	w.start()
	w.drain()
	require.Len(t, w.letters(stream.Sightings), 50)
	require.Len(t, w.letters(stream.Runs), 50)
}

func TestDatabaseFaultsAreWaitedOutAndBuryNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reg := prometheus.NewRegistry()
	w.start(func(c *sink.Config) { c.Metrics = reg })
	w.fill(0, 10, "porch")
	w.drain()
	for _, fault := range []struct{ breaks, mends string }{
		{"ALTER TABLE detections ADD COLUMN note text; ALTER TABLE detections_default ALTER COLUMN note SET NOT NULL",
			"ALTER TABLE detections DROP COLUMN note"},
		{"DROP TABLE detections_default", "CREATE TABLE detections_default PARTITION OF detections DEFAULT"},
		{"ALTER TABLE detections RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO detections"},
		{"ALTER FUNCTION sightlog_advance RENAME TO elsewhere", "ALTER FUNCTION elsewhere RENAME TO sightlog_advance"},
	} {
		_, err := w.pool.Exec(t.Context(), fault.breaks)
		require.NoError(t, err)
		before := gauge(t, reg, "sightlog_sink_waits_total")
		wild := sighting("porch", "wild", w.number("SELECT count(*) FROM runs")*3+2)
		wild.Run = fmt.Sprint("wild-", wild.Seq)
		wild.CapturedAt = event.At(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC))
		w.produce(record(t, wild))
		w.await("the sink to wait", func() bool { return gauge(t, reg, "sightlog_sink_waits_total") > before })
		_, err = w.pool.Exec(t.Context(), fault.mends)
		require.NoError(t, err)
		w.drain()
	}
	require.Equal(t, 4, w.number("SELECT count(*) FROM v_sightings WHERE run LIKE 'wild%'"))
	require.Empty(t, w.letters(stream.Sightings))
}

func TestDatabaseThatGoesAndComesLosesNothing(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	private, err := postgres.StartPrivate(t.Context(), dir, nil)
	require.NoError(t, err)
	t.Cleanup(func() { private.Stop(context.Background()) })
	pool := pgtest.Pool(t, private.URL())
	require.NoError(t, migrations.Up(t.Context(), pool, nil))

	w := newWorldOn(t, pool)
	reg := prometheus.NewRegistry()
	own := pgtest.Pool(t, private.URL()) // the sink finds out by itself
	w.start(func(c *sink.Config) { c.Pool, c.Metrics, c.MaxRecords = own, reg, 20 })
	for round := range 3 {
		w.fill(100*round, 100*round+50, "porch", "yard")
		w.await("some rows", func() bool { return w.number("SELECT count(*) FROM sightings") > 200*round })
		require.NoError(t, private.Stop(t.Context())) // somewhere in the stream
		w.fill(100*round+50, 100*round+100, "porch", "yard")
		before := gauge(t, reg, "sightlog_sink_waits_total")
		w.await("the sink to wait", func() bool { return gauge(t, reg, "sightlog_sink_waits_total") > before })
		private, err = postgres.StartPrivate(t.Context(), dir, nil)
		require.NoError(t, err)
		pool.Reset()
	}
	w.drain()
	w.exactly(300, "porch", "yard")
	require.Empty(t, w.letters(stream.Sightings))
}

func TestTwoSinksOnTheSamePartitionsFenceEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reg := prometheus.NewRegistry()
	for i := range 2 { // groups of their own: each is given every partition
		w.start(func(c *sink.Config) {
			c.Group, c.Consumers, c.MaxRecords = fmt.Sprint("group-", i), 1, 3
			if i == 0 {
				c.Metrics = reg
			}
		})
	}
	for n := range 60 {
		w.fill(10*n, 10*n+10, "porch", "yard", "gate")
	}
	w.drain()
	w.exactly(600, "porch", "yard", "gate")
	require.Empty(t, w.letters(stream.Sightings))
}

// While a poisoned batch is being halved, another sink moves one of its
// partitions: the halves that are left are of other partitions too.
func TestFencedInTheMiddleOfABisectionSkipsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.pool.Exec(t.Context(), "ALTER TABLE sightings ADD CONSTRAINT no_odd_sevens CHECK (seq % 14 <> 7)")
	require.NoError(t, err)
	cameras := []string{"porch", "yard", "gate", "door"}
	w.fill(0, 280, cameras...) // a backlog: batches of many partitions
	for i := range 3 {
		w.start(func(c *sink.Config) {
			c.Group, c.Consumers, c.MaxRecords = fmt.Sprint("group-", i), 1, 50+10*i
		})
	}
	w.drain()
	require.Equal(t, 4*260, w.number("SELECT count(*) FROM sightings"))
}

func TestMembersComeAndGoAndEachRowIsThereOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start(func(c *sink.Config) { c.MaxRecords = 5 })
	for n := range 6 {
		w.fill(50*n, 50*n+50, "porch", "yard", "gate", "door")
		next := w.start(func(c *sink.Config) { c.MaxRecords = 5 })
		stop()
		stop = next
	}
	w.drain()
	w.exactly(300, "porch", "yard", "gate", "door")
}

func TestOffsetOutsideTheLogStopsItsPartitionAlone(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world, partition int32){
		"removed": func(w *world, partition int32) {
			var o kadm.Offsets
			o.Add(kadm.Offset{Topic: stream.Sightings, Partition: partition, At: 15})
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
			var said strings.Builder
			stop = w.start(func(c *sink.Config) { c.Metrics, c.Log = reg, logInto(&said) })
			w.await("the partition to be stopped and the others read", func() bool {
				return gauge(t, reg, "sightlog_sink_partition_stopped", fmt.Sprint(partition), stream.Sightings) == 1 &&
					w.number("SELECT count(*) FROM sightings") == 70
			})
			stop()
			require.Equal(t, was, w.number("SELECT next FROM sink_offsets WHERE topic = 'sightings' AND partition = $1", partition))
			require.Equal(t, 1, strings.Count(said.String(), "partition stopped"), said.String())
			require.Contains(t, said.String(), fmt.Sprintf("the tables are at offset %d, the log holds", was))
		})
	}
}

func TestDeadLetterThatCannotBeWrittenHoldsItsPartitionAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kmsg.IncrementalAlterConfigs)
	w.limitMessages(stream.DeadTopic(stream.Sightings), 1)
	stop := w.start(func(c *sink.Config) { c.DeadTimeout = time.Second })
	w.fill(0, 10, "porch", "yard", "gate", "door")
	w.produce(&kgo.Record{Topic: stream.Sightings, Key: []byte("porch"), Value: []byte("x")})
	w.fill(10, 20, "porch", "yard", "gate", "door")
	held := w.partitionOf("porch")
	free := 0
	for _, c := range []string{"yard", "gate", "door"} {
		if w.partitionOf(c) != held {
			free++
		}
	}
	require.Positive(t, free)
	w.await("the other partitions", func() bool {
		return w.number("SELECT count(*) FROM v_sightings WHERE camera <> 'porch'") >= 20*free &&
			w.number("SELECT count(*) FROM v_sightings WHERE camera = 'porch'") == 10
	})
	stop()
	require.Empty(t, w.letters(stream.Sightings))
	require.Less(t, w.number("SELECT next FROM sink_offsets WHERE topic = 'sightings' AND partition = $1", held), 21*(4-free))

	w.limitMessages(stream.DeadTopic(stream.Sightings), 1<<20)
	w.start()
	w.drain()
	w.exactly(20, "porch", "yard", "gate", "door")
	require.Len(t, w.letters(stream.Sightings), 1)
}

func TestBrokerThatGoesAndComesLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr, stop := runBroker(t, dir, "127.0.0.1:0")
	w := &world{TB: t, pool: pgtest.Open(t), stream: stream.Config{Brokers: []string{addr}}}
	w.cl = w.client()
	require.NoError(t, stream.EnsureTopics(t.Context(), w.cl, partitions))
	w.start(func(c *sink.Config) { c.MaxRecords = 5 })
	for round := range 3 {
		w.fill(100*round, 100*round+100, "porch", "yard")
		w.await("some rows", func() bool { return w.number("SELECT count(*) FROM sightings") > 200*round })
		stop() // somewhere in the stream
		_, stop = runBroker(t, dir, addr)
	}
	w.drain()
	w.exactly(300, "porch", "yard")
}

func TestTopicMadeAnewIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.fill(0, 20, "porch", "yard")
	w.drain()
	remake := func() {
		_, err := kadm.NewClient(w.cl).DeleteTopics(t.Context(), stream.Sightings)
		require.NoError(t, err)
		w.cl = w.client() // a client does not take up a topic's new id
		require.NoError(t, stream.EnsureTopics(t.Context(), w.cl, partitions))
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

func TestStopDoesNotWaitForWhatIsAway(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(p *postgres.Private, stopBroker func()){
		"database gone": func(p *postgres.Private, _ func()) { p.Stop(context.Background()) },
		"database hung": func(p *postgres.Private, _ func()) { signalAll(p.PID(), syscall.SIGSTOP) },
		"broker gone":   func(_ *postgres.Private, stopBroker func()) { stopBroker() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, err := postgres.StartPrivate(t.Context(), pgtest.Dir(t), nil)
			require.NoError(t, err)
			t.Cleanup(func() { private.Stop(context.Background()) })
			pool := pgtest.Pool(t, private.URL())
			require.NoError(t, migrations.Up(t.Context(), pool, nil))
			addr, stopBroker := runBroker(t, t.TempDir(), "127.0.0.1:0")
			w := &world{TB: t, pool: pool, stream: stream.Config{Brokers: []string{addr}}}
			w.cl = w.client()
			require.NoError(t, stream.EnsureTopics(t.Context(), w.cl, partitions))
			stop := w.start()
			w.fill(0, 10, "porch")
			w.drain()
			if name != "broker gone" {
				spoil(private, nil)
				w.fill(10, 20, "porch") // a batch in its hands
			} else {
				spoil(nil, stopBroker)
			}
			began := time.Now()
			stop()
			t.Logf("stopped after %s", time.Since(began).Round(time.Millisecond))
			signalAll(private.PID(), syscall.SIGCONT)
		})
	}
}

// signalAll signals a process and its children.
func signalAll(pid int, sig syscall.Signal) {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // none where it is gone
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			syscall.Kill(n, sig)
		}
	}
	syscall.Kill(pid, sig)
}

func TestTablesEmptiedUnderTheSinkAreFilledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.fill(0, 50, "porch", "yard")
	w.drain()
	_, err := w.pool.Exec(t.Context(), "TRUNCATE cameras, runs, classes, sightings, detections, batches, sink_offsets RESTART IDENTITY CASCADE")
	require.NoError(t, err)
	w.fill(50, 60, "porch", "yard") // the sink notices when it has something to write
	w.drain()
	w.exactly(60, "porch", "yard")
}

func TestReaderOfTheDefaultPartitionDelaysNewDaysOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reg := prometheus.NewRegistry()
	w.start(func(c *sink.Config) { c.Metrics, c.Consumers = reg, 1 })
	w.fill(0, 5, "porch")
	w.drain()
	tx, err := w.pool.Begin(t.Context()) // somebody's long question
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT count(*) FROM sightings")
	require.NoError(t, err)
	w.fill(5, 10, "porch")
	w.drain()

	old := sighting("porch", "old", 1)
	old.CapturedAt = event.At(origin.AddDate(0, 0, -40))
	w.produce(record(t, old))
	w.await("the sink to wait", func() bool { return gauge(t, reg, "sightlog_sink_waits_total") > 0 })
	require.NoError(t, tx.Rollback(t.Context()))
	w.drain()
	require.Zero(t, w.number("SELECT count(*) FROM sightings_default"))
	require.Equal(t, 11, w.number("SELECT count(*) FROM sightings"))
}

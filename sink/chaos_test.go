package sink_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
)

const (
	chaosSightings = 100_000
	chaosBlock     = 25 // frames of a camera that are sent, or retried, together
)

// 100,000 sightings, with their crossings and runs, are sent by producers that retry, while sinks
// are killed, join and leave, PostgreSQL and the broker end as in a crash and are started again,
// and partitions are added. Each fault comes in the middle of what the sinks have to write: they are
// frozen for it, and have records left. Then the tables hold what was sent, each row once; the
// totals are those of the rows, and a replay into an empty database has the same checksum.
//
// SIGHTLOG_SEED repeats the schedule of an earlier test.
func TestChaos_HundredThousandSightings_TablesHoldWhatWasSent(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("SIGHTLOG_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("SIGHTLOG_SEED=%d", seed)
	c := newChaos(t, rand.New(rand.NewPCG(seed, 0)))
	faults := []struct {
		name string
		do   func()
	}{
		{"a sink is killed", c.killSink}, {"a sink is killed", c.killSink}, {"a sink is killed", c.killSink},
		{"a sink joins", c.join}, {"a sink joins", c.join}, {"a sink leaves", c.leave},
		{"PostgreSQL crashes", c.crashDatabase}, {"PostgreSQL crashes", c.crashDatabase},
		{"the broker is killed", func() { c.restartBroker((*process).kill) }},
		{"the broker is stopped", func() { c.restartBroker((*process).stop) }},
		{"partitions are added", c.addPartitions}, {"partitions are added", c.addPartitions},
	}
	c.rng.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	for _, f := range faults {
		left := c.midway(chaosSightings / len(faults))
		t.Logf("%s; sent %d, stored %d, left %d", f.name, c.sent.Load(), c.stored(), left)
		f.do()
		c.signalSinks(syscall.SIGCONT)
		c.flush()
	}
	c.send(chaosSightings - c.frames)
	for _, s := range c.scripts {
		c.produce(c.foreign, s.end(t))
	}
	c.flush()
	c.drain()
	t.Logf("%d sightings in %d records; the log has %d offsets, those that were sent twice among them", c.frames, c.sent.Load(), c.stored())
	c.check()
}

// chaos is a log, a database and sinks, each with processes of its own, and what is sent.
type chaos struct {
	*world
	rng     *rand.Rand
	scripts []*script
	frames  int // that were sent

	dir, listen string
	broker      *process
	partitions  int
	databases   string
	private     *postgres.Private
	url         string
	sinks       []*process
	output      output

	own     *kgo.Client // as kafka's writers: a run stays in its partition
	foreign *kgo.Client // by key, without sequence numbers, five requests at a time
	sending sync.WaitGroup
	sent    atomic.Int64 // records that were handed to the clients
	acked   atomic.Int64
}

func newChaos(t *testing.T, rng *rand.Rand) *chaos {
	t.Helper()
	c := &chaos{rng: rng, scripts: scripts(), dir: filepath.Join(t.TempDir(), "log"), listen: testenv.FreeAddr(t), partitions: partitions}
	c.databases = pgtest.Dir(t)
	var err error
	c.private, err = postgres.StartPrivate(t.Context(), c.databases, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.private.Stop(context.Background()) })
	c.url = c.private.URL()
	c.world = &world{TB: t, pool: pgtest.Pool(t, c.url), stream: kafka.Config{Brokers: []string{c.listen}}}
	require.NoError(t, migrations.Up(t.Context(), c.pool, nil))
	c.startBroker()
	c.cl = c.client()
	require.NoError(t, kafka.EnsureTopics(t.Context(), c.cl, partitions))
	c.openProducers()
	for range 2 {
		c.startSink()
	}
	t.Cleanup(func() {
		if t.Failed() {
			all := c.output.String()
			t.Logf("%s", all[max(0, len(all)-20_000):])
		}
	})
	return c
}

func (c *chaos) startBroker() {
	c.Helper()
	c.broker = startProcess(c, &c.output, "SIGHTLOG_TEST_LISTEN="+c.listen, "SIGHTLOG_TEST_DIR="+c.dir)
	c.await("the broker to listen", func() bool {
		conn, err := net.Dial("tcp", c.listen)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (c *chaos) startSink() {
	c.Helper()
	c.sinks = append(c.sinks, startSink(c, &c.output, c.listen, c.url, sink.Group,
		"SIGHTLOG_TEST_SINK_RECORDS=1000", "SIGHTLOG_TEST_SINK_CONSUMERS=2", "SIGHTLOG_TEST_SINK_SESSION=3"))
}

func (c *chaos) openProducers() {
	c.Helper()
	common := []kgo.Opt{kgo.ProducerLinger(5 * time.Millisecond), kgo.MaxBufferedRecords(1 << 20)}
	c.own = c.client(append(common, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	c.foreign = c.client(append(common, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(5))...)
}

func (c *chaos) produce(cl *kgo.Client, recs ...*kgo.Record) {
	for _, r := range recs {
		c.sent.Add(1)
		again := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
		cl.Produce(context.Background(), again, func(_ *kgo.Record, err error) {
			if err != nil {
				c.Errorf("a record is not acknowledged: %v", err)
			}
			c.acked.Add(1)
		})
	}
}

// send hands at least so many sightings of all cameras to the producers.
func (c *chaos) send(frames int) {
	c.Helper()
	each := (frames + len(c.scripts)*chaosBlock - 1) / (len(c.scripts) * chaosBlock)
	var all [][]*kgo.Record
	for i, s := range c.scripts {
		var blocks [][]*kgo.Record
		for range each {
			blocks = append(blocks, s.block(c, chaosBlock, int32(i%c.partitions)))
		}
		c.frames += each * chaosBlock
		all = append(all, retried(c.rng, blocks))
	}
	for at := 0; len(all[0]) > 0 || at > 0; { // all cameras in turn
		at = 0
		for i, recs := range all {
			n := min(chaosBlock, len(recs))
			cl := c.own
			if i%2 == 1 {
				cl = c.foreign
			}
			c.produce(cl, recs[:n]...)
			all[i] = recs[n:]
			at += len(all[i])
		}
	}
}

// midway sends more, freezes the sinks in the middle of writing it, and returns how many records
// they have left. Sinks that were too quick are sent more.
func (c *chaos) midway(frames int) (left int64) {
	c.Helper()
	for left == 0 {
		until := c.sent.Load() + 1 + c.rng.Int64N(int64(frames/2))
		c.sending.Go(func() { c.send(frames) })
		c.await("the sinks to write", func() bool { return c.stored() >= until })
		c.signalSinks(syscall.SIGSTOP)
		c.sending.Wait()
		c.flush()
		var err error
		left, err = sink.CaughtUp(c.Context(), c.cl, c.pool, kafka.Topics()...)
		require.NoError(c, err)
		if left == 0 {
			c.signalSinks(syscall.SIGCONT)
		}
	}
	return left
}

// stored returns how many offsets the tables have.
func (c *chaos) stored() (n int64) {
	c.Helper()
	if err := c.pool.QueryRow(c.Context(), "SELECT coalesce(sum(next), 0) FROM sink_offsets").Scan(&n); err != nil {
		require.NoError(c, c.Context().Err())
		return 0
	}
	return n
}

func (c *chaos) flush() {
	c.Helper()
	c.await("the log to acknowledge all", func() bool { return c.acked.Load() == c.sent.Load() })
}

func (c *chaos) signalSinks(sig syscall.Signal) {
	c.Helper()
	for _, s := range c.sinks {
		s.signal(sig)
	}
}

func (c *chaos) killSink() {
	c.Helper()
	i := c.rng.IntN(len(c.sinks))
	c.sinks[i].kill()
	c.sinks = append(c.sinks[:i], c.sinks[i+1:]...)
	c.startSink()
}

func (c *chaos) join() { c.Helper(); c.startSink() }

func (c *chaos) leave() {
	c.Helper()
	i := c.rng.IntN(len(c.sinks))
	gone := c.sinks[i]
	c.sinks = append(c.sinks[:i], c.sinks[i+1:]...)
	c.signalSinks(syscall.SIGCONT)
	gone.signal(syscall.SIGCONT)
	gone.stop()
}

// crashDatabase stops PostgreSQL at once, as pg_ctl stop -m immediate, and starts it again.
func (c *chaos) crashDatabase() {
	c.Helper()
	require.NoError(c, syscall.Kill(c.private.PID(), syscall.SIGQUIT))
	require.NoError(c, c.private.Stop(c.Context()))
	c.signalSinks(syscall.SIGCONT)
	var err error
	c.private, err = postgres.StartPrivate(c.Context(), c.databases, nil)
	require.NoError(c, err)
	c.pool.Reset()
}

// restartBroker ends the broker and starts it again. Meanwhile the producers have records of which
// they do not know whether the log has them.
func (c *chaos) restartBroker(end func(*process)) {
	c.Helper()
	c.sending.Go(func() { c.send(chaosSightings / 50) })
	from := c.acked.Load()
	c.await("acknowledgements", func() bool { return c.acked.Load() > from })
	end(c.broker)
	c.sending.Wait()
	c.send(1)
	require.Less(c, c.acked.Load(), c.sent.Load())
	c.signalSinks(syscall.SIGCONT)
	c.startBroker()
}

func (c *chaos) addPartitions() {
	c.Helper()
	c.partitions += 3
	r, err := kadm.NewClient(c.cl).UpdatePartitions(c.Context(), c.partitions, kafka.Sightings, kafka.Crossings)
	require.NoError(c, err)
	require.NoError(c, r.Error())
	c.openProducers() // these know them
}

// check compares the tables with what was sent, with themselves, and with those of a replay.
func (c *chaos) check() {
	c.Helper()
	require.GreaterOrEqual(c, c.frames, chaosSightings)
	store(c, c.pool, c.scripts)
	for of, columns := range map[string]string{
		"sightings":  "camera, run, seq, captured_at, people, objects, dropped_before",
		"detections": "camera, run, seq, captured_at, object_index, label, score, x1, y1, x2, y2, track_id, zones",
		"crossings":  "camera, run, seq, captured_at, line, direction, track_id, label",
	} {
		missing := fmt.Sprintf("SELECT * FROM sent.%s EXCEPT ALL SELECT %s FROM v_%s", of, columns, of)
		more := fmt.Sprintf("SELECT %s FROM v_%s EXCEPT ALL SELECT * FROM sent.%s", columns, of, of)
		require.Empty(c, pgtest.Lines(c, c.pool, missing+" LIMIT 10"), "%s that are missing", of)
		require.Empty(c, pgtest.Lines(c, c.pool, more+" LIMIT 10"), "%s that were not sent, or once less", of)
	}
	require.Zero(c, c.number("SELECT count(*) FROM runs WHERE outcome IS DISTINCT FROM 'finished' OR frames <> (SELECT count(*) FROM sightings s WHERE s.run_id = runs.id)"))
	require.Positive(c, c.number("SELECT count(*) FROM v_visits WHERE camera = 'cam-7' AND zone = 'door'"))
	require.Equal(c, c.partitions, c.number("SELECT count(*) FROM sink_offsets WHERE topic = 'sightings'"))
	require.Positive(c, c.number("SELECT count(*) FROM sink_offsets WHERE topic = 'sightings' AND partition >= $1 AND next > 0", partitions))
	for _, topic := range kafka.Topics() {
		require.Empty(c, c.letters(topic))
	}
	sum := checksum(c, c.pool)
	pgtest.TotalsAgree(c, c.pool)

	empty := pgtest.Open(c)
	require.NoError(c, sink.Replay(c.Context(), sink.Config{Kafka: c.stream, Pool: empty, Group: "replay"}, time.Time{}, func(int64) {}))
	require.Equal(c, sum, checksum(c, empty), "of a replay")
	require.NotContains(c, c.output.String(), "DATA RACE")
}

package sink_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
)

func TestSink_DatabaseFaults_RetriedWithoutDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reg := prometheus.NewRegistry()
	w.start(func(c *sink.Config) { c.Metrics = reg })
	w.fill(0, 10, "porch")
	w.drain()
	for _, fault := range []struct{ breaks, mends string }{
		{"ALTER TABLE sightings ADD COLUMN note text; ALTER TABLE sightings_default ALTER COLUMN note SET NOT NULL",
			"ALTER TABLE sightings DROP COLUMN note"},
		{"ALTER TABLE sightings DETACH PARTITION sightings_default", "ALTER TABLE sightings ATTACH PARTITION sightings_default DEFAULT"},
		{"ALTER TABLE camera_minutes RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO camera_minutes"},
		{"ALTER FUNCTION sightlog_advance_offsets(text, uuid[], integer[], bigint[], bigint[], integer[], bytea[], oid[]) RENAME TO elsewhere",
			"ALTER FUNCTION elsewhere RENAME TO sightlog_advance_offsets"},
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
	require.Empty(t, w.letters(kafka.Sightings))
}

func TestSink_DatabaseRestarts_EachRowOnce(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	private, err := postgres.StartPrivate(t.Context(), dir, nil)
	require.NoError(t, err)
	t.Cleanup(func() { private.Stop(context.Background()) }) // the one that was started last
	pool := pgtest.Pool(t, private.URL())
	require.NoError(t, migrations.Up(t.Context(), pool, nil))

	w := newWorldOn(t, pool)
	reg := prometheus.NewRegistry()
	own := pgtest.Pool(t, private.URL()) // the sink finds out by itself
	s, _ := w.sink(func(c *sink.Config) { c.Pool, c.Metrics, c.MaxRecords = own, reg, 20 })
	for round := range 3 {
		w.fill(100*round, 100*round+50, "porch", "yard")
		w.await("some rows", func() bool { return w.number("SELECT count(*) FROM sightings") > 200*round })
		require.NoError(t, private.Stop(t.Context())) // somewhere in the stream
		w.fill(100*round+50, 100*round+100, "porch", "yard")
		before := gauge(t, reg, "sightlog_sink_waits_total")
		w.await("the sink to wait", func() bool { return gauge(t, reg, "sightlog_sink_waits_total") > before })
		w.await("the partitions to be told", func() bool { return len(s.Blocked()) > 0 })
		require.Equal(t, sink.Waiting, s.Blocked()[0].State)
		private, err = postgres.StartPrivate(t.Context(), dir, nil)
		require.NoError(t, err)
		pool.Reset()
	}
	w.drain()
	w.await("nothing to be blocked", func() bool { return len(s.Blocked()) == 0 })
	w.exactly(300, "porch", "yard")
	require.Empty(t, w.letters(kafka.Sightings))
}

func TestSink_BrokerRestarts_EachRowOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr, stop := runBroker(t, dir, testenv.FreeAddr(t))
	w := &world{TB: t, pool: pgtest.Open(t), stream: kafka.Config{Brokers: []string{addr}}}
	w.cl = w.client()
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
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

// ownServer is a PostgreSQL that a test may stop, with the tables.
func ownServer(t *testing.T) (*postgres.Private, *pgxpool.Pool) {
	t.Helper()
	private, err := postgres.StartPrivate(t.Context(), pgtest.Dir(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { private.Stop(context.Background()) })
	pool := pgtest.Pool(t, private.URL())
	require.NoError(t, migrations.Up(t.Context(), pool, nil))
	return private, pool
}

func TestSink_StoppedWhileServersAreDown_EndsSoon(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(p *postgres.Private, stopBroker func()){
		"database gone": func(p *postgres.Private, _ func()) { p.Stop(context.Background()) },
		"database hung": func(p *postgres.Private, _ func()) { signalAll(p.PID(), syscall.SIGSTOP) },
		"broker gone":   func(_ *postgres.Private, stopBroker func()) { stopBroker() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, pool := ownServer(t)
			addr, stopBroker := runBroker(t, t.TempDir(), testenv.FreeAddr(t))
			w := &world{TB: t, pool: pool, stream: kafka.Config{Brokers: []string{addr}}}
			w.cl = w.client()
			require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
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
	for child := range strings.FieldsSeq(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			syscall.Kill(n, sig)
		}
	}
	syscall.Kill(pid, sig)
}

func TestSink_DefaultPartitionLocked_OnlyNewDaysWait(t *testing.T) {
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

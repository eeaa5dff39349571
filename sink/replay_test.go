package sink_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

func TestReplay_Interrupted_GoesOnAndGivesTheSameRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.produce(crossing(t, "porch", "run-of-porch", 7))
	w.fill(0, 300, "porch", "yard")
	w.drain()
	stop()
	pool := pgtest.Open(t)
	cfg := sink.Config{Kafka: w.stream, Pool: pool, Group: "replay", MaxRecords: 20, Consumers: 1}
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := context.Canceled
	err := sink.Replay(ctx, cfg, time.Time{}, func(int64) { cancel(interrupted) })
	if err != nil { // else it was through before it was interrupted
		require.ErrorIs(t, err, interrupted)
	}
	cfg.Group = "replay-again"
	require.NoError(t, sink.Replay(t.Context(), cfg, time.Time{}, func(int64) {}))
	require.Equal(t, dump(t, w.pool), dump(t, pool))
}

func TestReplay_Since_OnlyLaterRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 20 {
		r := record(t, sighting("porch", "run-of-porch", n))
		r.Timestamp = time.Now().Add(time.Duration(n-20) * time.Hour)
		w.produce(r)
	}
	w.produce(runRecord(t, &event.Run{ID: "run-of-porch", Camera: "porch", SourceKind: event.SourceFile, Source: "a.mp4", StartedAt: event.At(origin)}))
	since := time.Now().Add(-5*time.Hour - 30*time.Minute)
	require.NoError(t, sink.Replay(t.Context(), sink.Config{Kafka: w.stream, Pool: w.pool, Group: "replay"}, since, func(int64) {}))
	require.Equal(t, 15, w.number("SELECT min(seq) FROM sightings"))
	require.Equal(t, 5, w.number("SELECT count(*) FROM sightings JOIN runs ON runs.id = run_id AND source = 'a.mp4'"))
}

func TestReplay_From_RecordsFromThatOffsetOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(0, 20, "porch")
	n := kafka.Partition([]byte("porch"), partitions)
	replay := func(from ...sink.From) (seqs []string, err error) {
		pool := pgtest.Open(t)
		err = sink.Replay(t.Context(), sink.Config{Kafka: w.stream, Pool: pool, Group: "replay", From: from}, time.Time{}, func(int64) {})
		return pgtest.Lines(t, pool, "SELECT concat_ws(',', min(seq), count(*)) FROM sightings"), err
	}
	got, err := replay(sink.From{Topic: "sightings", Partition: n, Offset: 5})
	require.NoError(t, err)
	require.Equal(t, []string{"5,15"}, got)
	got, err = replay(sink.From{Partition: -1, Offset: sink.Latest}, sink.From{Topic: "sightings", Partition: n, Offset: 19})
	require.NoError(t, err)
	require.Equal(t, []string{"19,1"}, got)
	_, err = replay(sink.From{Topic: "sightings", Partition: n, Offset: 50})
	require.True(t, usage.Is(err), "%v", err)
}

// exchange puts the tables of a schema in place of those of the world, whose are kept in "kept".
func (w *world) exchange(with string, fill func(context.Context, pgx.Tx) error) error {
	w.Helper()
	return migrations.Exchange(w.Context(), w.pool, with, "kept", fill, func(ctx context.Context, tx pgx.Tx) error {
		return sink.SameOffsets(ctx, tx, with)
	}, nil)
}

// The sinks are behind when the log is replayed, and write more meanwhile: what they have not
// written makes its rows of the outbox when they do.
func TestReplayTo_SinksBehind_LaterRecordsAreTheirs(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWorldOn(t, pgtest.Pool(t, url))
	outbox := func(c *sink.Config) { c.Outbox = []string{sink.OutboxCrossings} }
	crossings := func(from, to int) {
		w.fill(from, to, "porch")
		for n := from; n < to; n++ {
			w.produce(crossing(t, "porch", "run-of-porch", n))
		}
	}
	stop := w.start(outbox)
	crossings(0, 10)
	w.drain()
	stop()
	end, err := sink.ReadBound(t.Context(), w.cl, w.pool)
	require.NoError(t, err)
	crossings(10, 30)

	rebuilt := pgtest.Pool(t, url+"&search_path=rebuilt")
	require.NoError(t, migrations.Up(t.Context(), rebuilt, nil))
	cfg := sink.Config{Kafka: w.stream, Pool: rebuilt, Group: "replay", MaxRecords: 7}
	require.NoError(t, sink.ReplayTo(t.Context(), cfg, end, func(int64) {}))
	require.Equal(t, []string{"10,10"}, pgtest.Lines(t, rebuilt, "SELECT (SELECT count(*) FROM sightings) || ',' || (SELECT count(*) FROM crossings)"))

	stop = w.start(outbox)
	w.drain()
	stop()
	crossings(30, 40)
	require.NoError(t, w.exchange("rebuilt", func(ctx context.Context, tx pgx.Tx) error {
		end, err := sink.ReadBound(ctx, w.cl, tx)
		require.NoError(t, err)
		cfg.Group = "replay-again"
		return sink.ReplayTo(ctx, cfg, end, func(int64) {})
	}))
	require.Equal(t, 30, w.number("SELECT count(*) FROM crossings"))
	w.start(outbox)
	w.drain()
	require.Equal(t, 40, w.number("SELECT count(*) FROM crossings"))
	require.Equal(t, 40, w.number("SELECT count(*) FROM sightings"))
	require.Equal(t, 10, w.number("SELECT count(*) FROM outbox"), "those of before are carried over, by pipeline")
}

// Just before the bound there is no record: those of an aborted transaction, or compacted ones.
func TestReplayTo_NoRecordBeforeTheEnd_EndsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(0, 10, "porch")
	tp := kafka.Partition([]byte("porch"), partitions)
	cl, err := w.stream.Client(kgo.TransactionalID("t"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, cl.BeginTransaction())
	for n := range 5 {
		r := record(t, sighting("porch", "run-of-porch", 10+n))
		r.Partition = tp
		require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
	}
	require.NoError(t, cl.EndTransaction(t.Context(), kgo.TryAbort))
	w.fill(15, 20, "porch")
	stop := w.start()
	w.drain()
	stop()
	_, err = w.pool.Exec(t.Context(), "UPDATE sink_offsets SET next = 12 WHERE topic = 'sightings' AND next > 0")
	require.NoError(t, err)
	end, err := sink.ReadBound(t.Context(), w.cl, w.pool)
	require.NoError(t, err)
	pool := pgtest.Open(t)
	require.NoError(t, sink.ReplayTo(t.Context(), sink.Config{Kafka: w.stream, Pool: pool, Group: "replay"}, end, func(int64) {}))
	require.Equal(t, []string{"10"}, pgtest.Lines(t, pool, "SELECT count(*) FROM sightings"))
	require.Equal(t, []string{"12"}, pgtest.Lines(t, pool, "SELECT max(next) FROM sink_offsets WHERE topic = 'sightings'"))
}

// Rebuilt tables replace others only if these hold nothing that the log lacks.
func TestReplay_LogLacksRecordsOfTheTables_NothingIsReplaced(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWorldOn(t, pgtest.Pool(t, url))
	stop := w.start()
	w.fill(0, 20, "porch")
	w.drain()
	stop()
	rebuilt := pgtest.Pool(t, url+"&search_path=rebuilt")
	require.NoError(t, migrations.Up(t.Context(), rebuilt, nil))
	exchange := func() error { return w.exchange("rebuilt", func(context.Context, pgx.Tx) error { return nil }) }
	require.True(t, usage.Is(exchange()), "no offset yet")
	cfg := sink.Config{Kafka: w.stream, Pool: rebuilt, Group: "replay"}
	require.NoError(t, sink.Replay(t.Context(), cfg, time.Time{}, func(int64) {}))

	_, err := w.pool.Exec(t.Context(), "INSERT INTO sink_offsets (cluster_id, topic_id, partition, topic, next) VALUES ('another', gen_random_uuid(), 0, 'sightings', 5)")
	require.NoError(t, err)
	err = exchange()
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "the tables also hold sightings/0 of cluster another")
	_, err = w.pool.Exec(t.Context(), "DELETE FROM sink_offsets WHERE cluster_id = 'another'; UPDATE sink_offsets SET next = next + 1 WHERE topic = 'sightings' AND next > 0")
	require.NoError(t, err)
	require.ErrorIs(t, exchange(), sink.ErrBehind)
	require.Equal(t, 20, w.number("SELECT count(*) FROM sightings"), "as it was")
	require.Equal(t, 0, w.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'kept'"))

	require.NoError(t, sink.Complete(t.Context(), w.cl))
	ends, err := kadm.NewClient(w.cl).ListEndOffsets(t.Context(), kafka.Sightings)
	require.NoError(t, err)
	_, err = kadm.NewClient(w.cl).DeleteRecords(t.Context(), ends.Offsets())
	require.NoError(t, err)
	err = sink.Complete(t.Context(), w.cl)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "any more: tables rebuilt from it would lack them")
}

package sink_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// swapped is a world whose broker can be stopped and started on a copy of its
// directory.
type swapped struct {
	*world
	dir, addr string
	stop      func()
}

func newSwapped(t *testing.T) *swapped {
	t.Helper()
	s := &swapped{world: &world{TB: t, pool: pgtest.Open(t)}, dir: t.TempDir()}
	s.addr, s.stop = runBroker(t, s.dir, testenv.FreeAddr(t))
	s.stream = kafka.Config{Brokers: []string{s.addr}}
	s.cl = s.client()
	require.NoError(t, kafka.EnsureTopics(t.Context(), s.client(), partitions))
	return s
}

// copied stops the broker, copies its directory and starts it again.
func (s *swapped) copied() (dir string) {
	s.Helper()
	s.stop()
	dir = filepath.Join(s.TempDir(), "copy")
	require.NoError(s, os.CopyFS(dir, os.DirFS(s.dir)))
	s.run(s.dir)
	return dir
}

// run starts the broker, which was stopped, on a directory.
func (s *swapped) run(dir string) {
	s.Helper()
	s.dir = dir
	_, s.stop = runBroker(s, dir, s.addr)
	s.cl = s.client() // its producer knows the log as it was
}

// blocked returns the reasons of the stopped partitions of sightings.
func blocked(s *sink.Sink) (lines []string) {
	for _, p := range s.Blocked() {
		if p.State == sink.Stopped && p.Topic == kafka.Sightings {
			lines = append(lines, p.String())
		}
	}
	return lines
}

func earliest(c *sink.Config) { c.From = []sink.From{{Partition: -1, Offset: sink.Earliest}} }

// The log's copy of an earlier time is put back and grows beyond the offset
// that the tables are at. Nothing of it is passed over.
func TestHistory_OlderCopyGrownPast_StopsUntilChosen(t *testing.T) {
	t.Parallel()
	for name, live := range map[string]bool{"at the start": false, "under live sinks": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSwapped(t)
			var logged strings.Builder
			s, stop := w.sink(func(c *sink.Config) { c.Log = logInto(&logged) })
			w.fill(0, 40, "porch", "yard")
			w.drain()
			older := w.copied()
			w.fill(40, 80, "porch", "yard")
			w.drain()
			w.exactly(80, "porch", "yard")
			if !live {
				stop()
			}
			w.stop()
			w.run(older)
			w.fill(80, 150, "porch", "yard")
			if !live {
				s, stop = w.sink(func(c *sink.Config) { c.Log = logInto(&logged) })
			}
			parts := w.number("SELECT count(*) FROM sink_offsets WHERE topic = 'sightings' AND next > 0")
			w.await("the partitions to be stopped", func() bool { return len(blocked(s)) == parts })
			require.Contains(t, blocked(s)[0], "the tables are at offset")
			require.Contains(t, blocked(s)[0], "an older copy was put back; say where to read on: --from earliest")

			// Who is assigned them later stops them too. In a group of its own that is
			// all of them; which ones a member of the same group gets is chance.
			more, stopMore := w.sink(func(c *sink.Config) { c.Group = "another" })
			w.await("the partitions to be stopped there, too", func() bool { return len(blocked(more)) == parts })
			stopMore()
			w.exactly(80, "porch", "yard")

			if !live {
				stop()
				require.Equal(t, parts, strings.Count(logged.String(), "partition stopped"), logged.String())
				w.start(earliest)
			} else {
				w.start(earliest) // the others find out by themselves
			}
			w.drain()
			w.exactly(150, "porch", "yard") // what the log lost stays
			w.fill(150, 170, "porch", "yard")
			w.drain()
			w.exactly(170, "porch", "yard")
			require.Empty(t, w.letters(kafka.Sightings))
		})
	}
}

// stoppedSink is a sink of sightings whose partitions are stopped, all of them: the
// tables are at an offset that the log does not hold.
type stoppedSink struct {
	*world
	sink   *sink.Sink
	stop   func()
	logged strings.Builder // read it after stop
}

func oneConsumer(c *sink.Config) { c.Topics, c.Consumers = []string{kafka.Sightings}, 1 }

func newStoppedSink(t *testing.T) *stoppedSink {
	t.Helper()
	s := &stoppedSink{world: newWorld(t)}
	stop := s.start(oneConsumer)
	s.world.await("the partitions to be in the tables", func() bool { return s.number("SELECT count(*) FROM sink_offsets") == partitions })
	stop()
	s.move(20)
	s.sink, s.stop = s.world.sink(oneConsumer, func(c *sink.Config) { c.Log = logInto(&s.logged) })
	s.await(partitions)
	return s
}

// move sets the offset that the tables are at.
func (s *stoppedSink) move(next int) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), "UPDATE sink_offsets SET next = $1", next)
	require.NoError(s, err)
}

// await waits until n partitions are stopped.
func (s *stoppedSink) await(n int) {
	s.Helper()
	s.world.await("the stopped partitions", func() bool { return len(blocked(s.sink)) == n })
}

// requireLines stops the sink, which must have logged so many stops.
func (s *stoppedSink) requireLines(n int) {
	s.Helper()
	s.stop()
	require.Equal(s, n, strings.Count(s.logged.String(), "partition stopped"), s.logged.String())
}

// A stopped partition that moves to another member and comes back is stopped again
// without another line: it is the same fault.
func TestHistory_StoppedPartitionComesBack_IsNotLoggedAgain(t *testing.T) {
	t.Parallel()
	s := newStoppedSink(t)
	_, leave := s.world.sink(oneConsumer)
	s.await(partitions / 2)
	leave()
	s.await(partitions)
	s.requireLines(partitions)
}

func TestHistory_FixedAndStoppedAnew_IsLoggedAgain(t *testing.T) {
	t.Parallel()
	s := newStoppedSink(t)
	s.move(0)
	s.await(0)
	s.move(20)
	s.await(partitions)
	s.requireLines(2 * partitions)
}

// The right log is put back: the partition reads on by itself.
func TestHistory_RightLogPutBack_ReadsOn(t *testing.T) {
	t.Parallel()
	w := newSwapped(t)
	s, _ := w.sink()
	w.fill(0, 40, "porch")
	w.drain()
	older, newer := w.copied(), w.dir
	w.fill(40, 80, "porch")
	w.drain()
	w.stop()
	w.run(older)
	w.await("the partition to be stopped", func() bool { return len(blocked(s)) == 1 })
	_, err := sink.CaughtUp(t.Context(), w.cl, w.pool, kafka.Topics()...)
	require.ErrorContains(t, err, "the log ends at 40")
	w.stop()
	w.run(newer)
	w.await("the partition to be read", func() bool { return len(blocked(s)) == 0 })
	w.fill(80, 90, "porch")
	w.drain()
	w.exactly(90, "porch")
}

// The tables are those of an earlier dump: they are filled again, though
// nothing new comes, under a live sink and at a start.
func TestHistory_OlderTables_AreFilledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sql := func(text string) {
		_, err := w.pool.Exec(t.Context(), text)
		require.NoError(t, err)
	}
	_, stop := w.sink()
	w.fill(0, 40, "porch", "yard")
	w.drain()
	sql("CREATE TABLE dump AS TABLE sink_offsets")
	w.fill(40, 80, "porch", "yard")
	w.drain()
	restore := "DELETE FROM sightings WHERE seq >= 40; SELECT sightlog_rebuild(); TRUNCATE sink_offsets; INSERT INTO sink_offsets TABLE dump"
	sql(restore)
	w.drain()
	w.exactly(80, "porch", "yard")
	stop()
	sql(restore)
	s, _ := w.sink()
	w.drain()
	w.exactly(80, "porch", "yard")
	require.Empty(t, blocked(s))
}

// Where the last record is gone or never was written down, the partition is
// read on from its offset.
func TestHistory_LastRecordUnknown_ReadsOn(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world){
		"removed by retention": func(w *world) {
			ends, err := kadm.NewClient(w.cl).ListEndOffsets(w.Context(), kafka.Sightings)
			require.NoError(w, err)
			_, err = kadm.NewClient(w.cl).DeleteRecords(w.Context(), ends.Offsets())
			require.NoError(w, err)
		},
		"stored by the release before": func(w *world) {
			_, err := w.pool.Exec(w.Context(), "UPDATE sink_offsets SET last_offset = NULL, last_epoch = NULL, last_digest = NULL")
			require.NoError(w, err)
		},
		"moved by hand": func(w *world) {
			w.fill(20, 30, "porch")
			partition := w.number("SELECT partition FROM sink_offsets WHERE topic = 'sightings' AND next > 0")
			_, err := w.pool.Exec(w.Context(), `UPDATE sink_offsets SET next = next + 10 WHERE topic = 'sightings' AND partition = $1`, partition)
			require.NoError(w, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			stop := w.start()
			w.fill(0, 20, "porch")
			w.drain()
			stop()
			spoil(w)
			s, stop := w.sink()
			w.fill(30, 40, "porch")
			w.drain()
			require.Empty(t, blocked(s))
			require.Equal(t, 10, w.number("SELECT count(*) FROM sightings WHERE seq >= 30"))
			stop()
			require.Equal(t, 1, w.number("SELECT count(*) FROM sink_offsets WHERE last_offset = next - 1"), "known from now on")
		})
	}
}

// A record that is another one at the same offset stops its partition, whatever
// the epochs say.
func TestHistory_AnotherRecord_StopsItsPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.fill(0, 20, "porch")
	w.drain()
	stop()
	_, err := w.pool.Exec(t.Context(), "UPDATE sink_offsets SET last_digest = '\\x00' WHERE next > 0 AND topic = 'sightings'")
	require.NoError(t, err)
	s, stop := w.sink()
	w.await("the partition to be stopped", func() bool { return len(blocked(s)) == 1 })
	require.Contains(t, blocked(s)[0], "and its record 19 is not the one in the tables")
	stop()
	w.start(func(c *sink.Config) {
		c.From = []sink.From{{Topic: kafka.Sightings, Partition: -1, Offset: sink.Latest}}
	})
	w.await("the choice to be taken", func() bool { return w.number("SELECT count(*) FROM sink_offsets WHERE last_digest = '\\x00'") == 0 })
	w.fill(20, 30, "porch")
	w.drain()
	w.exactly(30, "porch")
}

func TestFrom_PartitionInOrder_StaysWhereItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.fill(0, 20, "porch")
	w.drain()
	stop()
	before := w.number("SELECT sum(next) FROM sink_offsets")
	stop = w.start(earliest)
	w.fill(20, 21, "porch")
	w.drain()
	stop()
	require.Equal(t, before+1, w.number("SELECT sum(next) FROM sink_offsets"))
	w.exactly(21, "porch")
}

func TestFrom_NotInTheLog_IsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.fill(0, 20, "porch")
	w.drain()
	stop()
	partition := int32(w.number("UPDATE sink_offsets SET last_digest = '\\x00' WHERE next > 0 AND topic = 'sightings' RETURNING partition"))
	for says, from := range map[string]sink.From{
		"the log holds 0 to 20":  {Topic: kafka.Sightings, Partition: partition, Offset: 21},
		"--from attic/earliest":  {Topic: "attic", Partition: -1, Offset: sink.Earliest},
		"--from sightings/99/20": {Topic: kafka.Sightings, Partition: 99, Offset: 20},
	} {
		s, err := sink.New(sink.Config{Kafka: w.stream, Pool: w.pool, From: []sink.From{from}})
		require.NoError(t, err)
		err = s.Run(context.Background())
		require.True(t, usage.Is(err), "%v", err)
		require.Contains(t, err.Error(), says)
	}
}

func TestParseFrom_EachForm_PositionOrError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"earliest", "latest", "sightings/earliest", "runs/latest", "sightings/3/earliest", "sightings/3/51", "sightings/0/0"} {
		f, err := sink.ParseFrom(text)
		require.NoError(t, err, text)
		require.Equal(t, text, f.String())
	}
	for _, text := range []string{"", "51", "first", "sightings", "sightings/51", "/earliest", "sightings//earliest", "sightings/-1/earliest",
		"sightings/x/earliest", "sightings/3/-1", "sightings/3/51/earliest", "a/b/c/51", "sightings/3/", "sightings/99999999999/latest"} {
		_, err := sink.ParseFrom(text)
		require.True(t, usage.Is(err), "%q: %v", text, err)
		require.Contains(t, err.Error(), "--from")
	}
}

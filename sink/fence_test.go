package sink_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

func TestSink_TwoOnTheSamePartitions_OneFenced(t *testing.T) {
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
	require.Empty(t, w.letters(kafka.Sightings))
}

// While a poisoned batch is being halved, another sink moves one of its
// partitions: the halves that are left are of other partitions too.
func TestSink_FencedDuringBisection_NothingSkipped(t *testing.T) {
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

func TestSink_MembersJoinAndLeave_EachRowOnce(t *testing.T) {
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

func TestSink_SeveralConsumers_ShareThePartitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kmsg.DescribeGroups)
	w.start(func(c *sink.Config) { c.Consumers = 2 })
	w.awaitTwoMembers()
}

// awaitTwoMembers waits until the group has two members with two partitions or more
// each.
func (w *world) awaitTwoMembers() {
	w.Helper()
	adm := kadm.NewClient(w.cl)
	w.await("two members with two partitions or more each", func() bool {
		groups, err := adm.DescribeGroups(w.Context(), sink.Group)
		require.NoError(w, err)
		members := groups[sink.Group].Members
		for _, m := range members {
			a, ok := m.Assigned.AsConsumer()
			if !ok {
				return false
			}
			n := 0
			for _, topic := range a.Topics {
				n += len(topic.Partitions)
			}
			if n < 2 {
				return false
			}
		}
		return len(members) == 2
	})
}

func TestSink_TablesEmptied_FilledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.fill(0, 50, "porch", "yard")
	w.drain()
	w.emptyTables()
	w.fill(50, 60, "porch", "yard") // the sink notices when it has something to write
	w.drain()
	w.exactly(60, "porch", "yard")
}

// The sink that gets the other's partitions has the ids of its cameras from before.
func TestSink_TablesEmptiedBeforeAssignment_FilledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kmsg.DescribeGroups)
	cameras := []string{"porch", "yard", "gate", "door", "hall", "roof"}
	one := func(c *sink.Config) { c.Consumers = 1 }
	w.start(one)
	w.fill(0, 50, cameras...)
	w.drain()
	stop := w.start(one)
	w.awaitTwoMembers()
	w.emptyTables()
	stop()
	w.drain()
	w.exactly(50, cameras...)
}

func TestSink_TablesEmptied_NewRunIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.fill(0, 50, "porch")
	w.drain()
	w.emptyTables()
	_, err := w.pool.Exec(t.Context(), "DELETE FROM cameras") // no row has the sink's id
	require.NoError(t, err)
	w.produce(record(t, sighting("porch", "next-run", 50)))
	w.drain()
	require.Equal(t, 51, w.number("SELECT count(*) FROM v_sightings WHERE camera = 'porch'"))
	require.Empty(t, w.letters(kafka.Sightings))
}

func TestSink_TablesEmptied_NewRunIsOfItsCamera(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.fill(0, 50, "porch")
	w.drain()
	w.emptyTables()
	w.produce(record(t, sighting("porch", "next-run", 50)))
	w.drain()
	require.Equal(t, []string{"porch next-run", "porch run-of-porch"},
		pgtest.Lines(t, w.pool, "SELECT c.name || ' ' || r.run FROM runs r JOIN cameras c ON c.id = r.camera_id ORDER BY 1"))
}

// emptyTables empties the tables and gives the first id to a camera that the sinks do
// not know.
func (w *world) emptyTables() {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), "TRUNCATE cameras, definitions, outbox, runs, classes, sightings, camera_minutes, camera_half_hours, crossing_half_hours, zone_minutes, tracks, visits, latest_sightings, zone_sets, crossing_minutes, batches, sink_offsets RESTART IDENTITY CASCADE")
	require.NoError(w, err)
	_, err = w.pool.Exec(w.Context(), "INSERT INTO cameras (name) VALUES ('new')")
	require.NoError(w, err)
}

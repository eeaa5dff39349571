package mirror_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

// process runs a mirror as a process of its own, which the test may kill.
func process(t testing.TB, source, target *site) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	child := exec.Command(exe)
	child.Stderr = t.Output()
	child.Env = append(os.Environ(), "SIGHTLOG_TEST_MIRROR_SOURCE="+source.cfg.Brokers[0], "SIGHTLOG_TEST_MIRROR_TARGET="+target.cfg.Brokers[0])
	require.NoError(t, child.Start())
	t.Cleanup(func() { kill(child) })
	return child
}

func kill(child *exec.Cmd) {
	_ = child.Process.Kill() // it may have been killed before
	_ = child.Wait()
}

// killedSeveralTimes kills mirrors anywhere in their work and requires each frame once.
func killedSeveralTimes(t *testing.T, edge, centre *site) {
	t.Helper()
	cameras := []string{"porch", "yard", "gate"}
	const each, lives = 400, 5
	for life := range lives {
		child := process(t, edge, centre)
		edge.fill(life*each, (life+1)*each, cameras...)
		until := life*each*len(cameras) + rand.IntN(each*len(cameras)) // somewhere in this life's records
		testenv.Await(t, "some transactions", func() bool { return centre.end(kafka.Sightings) > int64(until) })
		kill(child)
	}
	require.NoError(t, once(t, edge, centre))
	centre.requireFrames(lives*each, cameras...)
	rows := newTables(t)
	centre.sinkInto(rows)
	rows.requireFrames(lives*each, cameras...)
}

func TestMirror_KilledSeveralTimes_EachRowOnceInOrder(t *testing.T) {
	t.Parallel()
	killedSeveralTimes(t, newSite(t).withTopics(4), newSite(t).withTopics(3))
}

func TestMirror_IntoApacheKafka_KilledSeveralTimes_EachRowOnceInOrder(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Start(t, 1)
	killedSeveralTimes(t, newSite(t).withTopics(4), siteAt(t, cluster.Addrs()))
}

func TestMirror_FromApacheKafka_MirrorsAndHoldsNothing(t *testing.T) {
	t.Parallel()
	edge, centre := siteAt(t, kafkatest.Start(t, 1).Addrs()).withTopics(4), newSite(t)
	edge.fill(0, 200, "porch", "yard")
	require.NoError(t, once(t, edge, centre))
	edge.fill(200, 300, "porch", "yard")
	require.NoError(t, once(t, edge, centre))
	centre.requireFrames(300, "porch", "yard")
}

// The centre is away while the edge goes on for 10,000 events, and is restarted while the
// mirror catches up.
func TestMirror_CentreAway_CatchesUpInOrder(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(4), newSite(t).withTopics(4)
	rows := newTables(t)
	centre.sinkInto(rows)
	reg := prometheus.NewRegistry()
	m, stop := start(t, edge, centre, func(c *mirror.Config) { c.Metrics, c.MaxRecords = reg, 0 })
	cameras := []string{"porch", "yard", "gate", "hall", "roof"}
	edge.fill(0, 100, cameras...)
	testenv.Await(t, "the first", func() bool { return edge.mirrored() == 500 })
	centre.Stop()
	edge.fill(100, 2100, cameras...)
	testenv.Await(t, "the problem and the lag", func() bool {
		return len(m.Problems()) > 0 && value(t, reg, "sightlog_mirror_lag_records") == 10_000
	})
	require.Contains(t, m.Problems()[0], "the mirror waits for the target: ")
	require.Equal(t, 1., value(t, reg, "sightlog_mirror_waiting"))
	centre.Start()
	testenv.Await(t, "some of the backlog", func() bool { return edge.mirrored() > 2000 })
	centre.Stop()
	centre.Start()
	rows.requireFrames(2100, cameras...)
	testenv.Await(t, "no problem", func() bool { return len(m.Problems()) == 0 })
	stop()
	centre.requireFrames(2100, cameras...)
	require.Equal(t, 10_500., value(t, reg, "sightlog_mirror_records_total"))
	require.Zero(t, value(t, reg, "sightlog_mirror_dropped_records_total"))
	require.Zero(t, value(t, reg, "sightlog_mirror_lag_records"))
}

func TestMirror_EdgeRestarted_GoesOn(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(2), newSite(t)
	start(t, edge, centre)
	for n := range 3 {
		edge.fill(100*n, 100*n+100, "porch", "yard")
		testenv.Await(t, "some", func() bool { return edge.mirrored() > int64(200*n) })
		edge.Stop()
		edge.Start()
	}
	testenv.Await(t, "all", func() bool { return edge.mirrored() == 600 })
	centre.requireFrames(300, "porch", "yard")
}

// Two mirrors of one group fence each other; the one that finds the other's work ends.
func TestMirror_TwoOfOneGroup_OneEnds(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(2), newSite(t, func(c *broker.Config) { c.DefaultPartitions = 2 })
	ended := make(chan error, 2)
	for range 2 {
		m := create(t, edge, centre)
		go func() { ended <- m.Run(t.Context()) }()
	}
	var err error
	n := 0
	testenv.Await(t, "one to end", func() bool {
		select {
		case err = <-ended:
			return true
		default:
			edge.fill(n, n+1, "yard")
			n++
			return false
		}
	})
	require.ErrorContains(t, err, "another mirror of this log runs, as group sightlog-mirror; stop one")
	testenv.Await(t, "the other", func() bool { return edge.mirrored() == int64(n) })
	centre.requireFrames(n, "yard")
}

package occupancy_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/occupancy"
)

// process runs a processor as a process of its own, which the test may kill.
func (w *world) process(idle time.Duration) *exec.Cmd {
	w.Helper()
	exe, err := os.Executable()
	require.NoError(w, err)
	child := exec.Command(exe)
	child.Stderr = w.Output()
	child.Env = append(os.Environ(), "SIGHTLOG_TEST_OCCUPANCY_BROKERS="+w.log.Brokers[0], "SIGHTLOG_TEST_OCCUPANCY_IDLE="+idle.String())
	require.NoError(w, child.Start())
	w.Cleanup(func() { kill(child) })
	return child
}

func kill(child *exec.Cmd) {
	_ = child.Process.Kill() // it may have been killed before
	_ = child.Wait()
}

// processed returns the number of sightings before the committed offsets.
func (w *world) processed() (n int64) {
	w.Helper()
	offsets, err := kadm.NewClient(w.cl).FetchOffsets(w.Context(), occupancy.Group(occupancy.Topic))
	if err != nil {
		return 0 // the group is not there yet
	}
	offsets.Each(func(o kadm.OffsetResponse) { n += o.At })
	return n
}

// pause waits for up to d, so that it ends anywhere in the other's work.
func pause(d time.Duration) { time.Sleep(rand.N(d)) }

func TestProcessor_Killed_EachWindowOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []*event.Sighting
	const each = 60
	for life := range 4 {
		child := w.process(time.Hour)
		part := frames(life*each, (life+1)*each, "porch", "yard", "gate")
		all = append(all, part...)
		w.produce(part...)
		until := int64(len(all) - 1 - rand.IntN(len(part)))
		w.await("some transactions", func() bool { return w.processed() >= until })
		pause(20 * time.Millisecond)
		kill(child)
	}
	w.start(idle(200 * time.Millisecond))
	w.exactly(reference(time.Minute, time.Minute, all...))
}

// A process that was stopped longer than its session continues as if it still had its
// partitions, which another one has meanwhile.
func TestProcessor_StoppedAndContinued_IsFenced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []*event.Sighting
	const each = 60
	zombie := w.process(time.Hour)
	for round := range 3 {
		part := frames(round*each, (round+1)*each, "porch", "yard", "gate")
		half := len(part) / 2
		w.produce(part[:half]...)
		w.await("the zombie's transactions", func() bool { return w.processed() > int64(len(all)+rand.IntN(half)) })
		require.NoError(t, zombie.Process.Signal(syscall.SIGSTOP))
		stop := w.start()
		w.produce(part[half:]...)
		all = append(all, part...)
		w.await("the second instance", func() bool { return w.processed() >= int64(len(all)) })
		require.NoError(t, zombie.Process.Signal(syscall.SIGCONT))
		pause(500 * time.Millisecond)
		stop()
	}
	kill(zombie)
	w.start(idle(200 * time.Millisecond))
	w.exactly(reference(time.Minute, time.Minute, all...))
}

func TestProcessor_BrokerAway_WaitsAndGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	first, second := frames(0, 100, "porch", "yard"), frames(100, 200, "porch", "yard")
	w.produce(first...)
	w.await("some transactions", func() bool { return w.processed() > int64(rand.IntN(len(first))) })
	w.broker.Stop()
	pause(300 * time.Millisecond)
	w.broker.Start()
	w.produce(second...)
	w.await("all transactions", func() bool { return w.processed() >= int64(len(first)+len(second)) })
	stop()
	w.start(idle(200 * time.Millisecond))
	w.exactly(reference(time.Minute, time.Minute, append(first, second...)...))
}

// counter counts the lines of a log.
type counter struct{ lines atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.lines.Add(1)
	return len(b), nil
}

func TestProcessor_NoBroker_OneLineAndUnhealthy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broker.Stop()
	var log counter
	cfg := impatient(w.log)
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	p, err := occupancy.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	w.await("a problem", func() bool { return len(p.Problems()) > 0 })
	require.Contains(t, p.Problems()[0], "occupancy waits for the log: list topics: ")
	pause(time.Second)
	require.EqualValues(t, 1, log.lines.Load())
	w.broker.Start()
	w.await("the log", func() bool { return len(p.Problems()) == 0 })
	require.EqualValues(t, 2, log.lines.Load(), "and that it is available again")
	cancel()
	require.NoError(t, <-done)
}

func TestProcessor_TwoInstances_ShareThePartitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cameras := []string{"porch", "yard", "gate", "hall", "roof", "lane"}
	var all []*event.Sighting
	stops := []func(){w.start()}
	for round := range 6 { // instances come and go
		part := frames(round*30, (round+1)*30, cameras...)
		all = append(all, part...)
		half := len(part) / 2
		w.produce(part[:half]...)
		if round%2 == 0 {
			stops = append(stops, w.start())
		} else {
			stops[0]()
			stops = stops[1:]
		}
		pause(50 * time.Millisecond)
		w.produce(part[half:]...)
		w.await("the records", func() bool { return w.processed() >= int64(len(all)) })
	}
	w.start()
	w.await("both to have partitions", func() bool {
		g, err := kadm.NewClient(w.cl).DescribeGroups(t.Context(), occupancy.Group(occupancy.Topic))
		require.NoError(t, err)
		members := 0
		for _, m := range g[occupancy.Group(occupancy.Topic)].Members {
			if a, ok := m.Assigned.AsConsumer(); ok && len(a.Topics) > 0 && a.Topics[0].Topic == kafka.Sightings {
				members++
			}
		}
		return members == 2
	})
	for _, camera := range cameras { // the next run emits all windows
		s := frame(camera, "second-run", 0)
		s.CapturedAt = event.At(origin.Add(time.Hour))
		w.produce(s)
	}
	w.exactly(reference(time.Minute, time.Minute, all...))
}

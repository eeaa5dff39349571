package sink_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// TestMain is also the sinks and the broker of tests that kill these, and the recount of
// TestRecount_Killed_ResumedToTheSameRows.
func TestMain(m *testing.M) {
	if url := os.Getenv("SIGHTLOG_TEST_RECOUNT_DATABASE"); url != "" {
		recountVictim(url)
		return
	}
	for name, run := range map[string]func(string) error{"SIGHTLOG_TEST_LISTEN": brokerProcess, "SIGHTLOG_TEST_SINK_BROKERS": sinkProcess} {
		if address := os.Getenv(name); address != "" {
			if err := run(address); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	goleak.VerifyTestMain(m,
		// The tests' server outlives them.
		goleak.IgnoreAnyFunction("github.com/sightlog/sightlog/postgres.(*Private).launch.func1"),
		// A client's Close leaves its group anew though it was left before,
		// and does not wait for that.
		goleak.IgnoreAnyFunction("github.com/twmb/franz-go/pkg/kgo.(*Client).LeaveGroupContext.func1"))
}

func TestSink_Killed_EachRowOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWorldOn(t, pgtest.Pool(t, url))
	const each = 200
	for life := range 5 {
		child := startSink(t, w.Output(), w.stream.Brokers[0], url, fmt.Sprint("life-", life)) // no waiting for the dead member's session
		w.fill(life*each, (life+1)*each, "porch", "yard", "gate")
		// Somewhere in the middle of this life's records.
		until := life*each*3 + rand.IntN(each*3)
		w.await("some rows", func() bool { return w.number("SELECT count(*) FROM sightings") > until })
		child.kill()
	}
	w.start()
	w.drain()
	w.exactly(5*each, "porch", "yard", "gate")
	require.Empty(t, w.letters(kafka.Sightings))
}

func TestSink_MemberKilled_OthersTakeItsPartitions(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWorldOn(t, pgtest.Pool(t, url))
	child := startSink(t, w.Output(), w.stream.Brokers[0], url, sink.Group)
	w.fill(0, 10, "porch", "yard")
	w.drain()
	child.kill()
	w.fill(10, 20, "porch", "yard")
	w.start() // in the same group: the dead member's session has to end first
	w.drain()
	w.exactly(20, "porch", "yard")
}

func TestSink_AnswersLost_EachRowOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWorldOn(t, pgtest.Pool(t, url))
	cuts := newCutter(t, url)
	reg := prometheus.NewRegistry()
	through := pgtest.Pool(t, cuts.url)
	cuts.sharp.Store(true)
	w.start(func(c *sink.Config) { c.Pool, c.Metrics, c.MaxRecords = through, reg, 3 })
	for n := range 40 {
		w.fill(10*n, 10*n+10, "porch", "yard", "gate")
	}
	w.await("enough cuts", func() bool { return cuts.made.Load() > 50 || w.caughtUp() })
	cuts.sharp.Store(false)
	w.drain()
	w.exactly(400, "porch", "yard", "gate")
	require.Empty(t, w.letters(kafka.Sightings))
	require.Positive(t, cuts.made.Load())
	require.Zero(t, gauge(t, reg, "sightlog_sink_fenced_total"), "there is no other sink")
	t.Logf("%d connections cut", cuts.made.Load())
}

// cutter stands between a pool and its server and, while sharp, closes each
// connection after a few of the server's answers, before the next one arrives:
// in what it answers may be a commit.
type cutter struct {
	url   string
	sharp atomic.Bool
	made  atomic.Int64
}

func newCutter(t *testing.T, url string) *cutter {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{url: fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", cfg.User, l.Addr(), cfg.Database)}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			front, err := l.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("unix", cfg.Host+"/.s.PGSQL.5432")
			if err != nil {
				front.Close()
				continue
			}
			all.Go(func() { c.relay(front, back, 1<<62) })
			all.Go(func() { c.relay(back, front, 8+rand.IntN(12)) })
		}
	})
	return c
}

func (c *cutter) relay(from, to net.Conn, answers int) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 64<<10)
	for n := 0; ; n++ {
		size, err := from.Read(b)
		if err != nil {
			return
		}
		if n >= answers && c.sharp.Load() {
			c.made.Add(1)
			return
		}
		if _, err := to.Write(b[:size]); err != nil {
			return
		}
	}
}

func (w *world) caughtUp() bool {
	w.Helper()
	lag, err := sink.CaughtUp(w.Context(), w.cl, w.pool, strings.Fields("sightings runs")...)
	return err == nil && lag == 0
}

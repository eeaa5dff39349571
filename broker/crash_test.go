package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
)

// childDir in the environment makes the test binary a broker on that directory.
const (
	childDir    = "SIGHTLOG_TEST_BROKER_DIR"
	childListen = "SIGHTLOG_TEST_BROKER_LISTEN"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := runChild(dir, os.Getenv(childListen)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runChild(dir, listen string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	// Small journal files: checkpoints come often. Some batches go through
	// them, some directly to their segments.
	b, err := Open(Config{Dir: dir, Listen: listen, JournalBytes: 100_000, DirectBytes: 3000, GroupMinSession: time.Second})
	if err != nil {
		return err
	}
	fmt.Println(b.Addr())
	return b.Run(ctx)
}

// child is a broker in a process of its own.
type child struct {
	cmd  *exec.Cmd
	addr string
}

func startChild(t testing.TB, dir, listen string) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), childDir+"="+dir, childListen+"="+listen)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "the broker starts")
	c.addr = strings.TrimSpace(line)
	return c
}

func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
}

// crashLoad writes to a broker that is killed again and again, and keeps what
// was acknowledged.
type crashLoad struct {
	t    *testing.T
	addr string
	stop atomic.Bool

	sequences [2]atomic.Int64 // acknowledged by each idempotent producer
	committed []int           // transactions that were
	unknown   []int           // whose end was not heard of
	aborted   []int
	offset    atomic.Int64 // acknowledged in group g
	tried     atomic.Int64
}

const txnRecords = 3

// produce writes numbers in order, each once.
func (l *crashLoad) produce(i int) {
	cl := l.client(kgo.RecordDeliveryTimeout(0))
	defer cl.Close()
	var n int64
	for ; !l.stop.Load(); n++ {
		want := n
		cl.Produce(context.Background(), &kgo.Record{
			Topic: "i", Partition: int32(i), Value: strconv.AppendInt(nil, n, 10),
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				l.t.Errorf("producer %d: record %d: %v", i, want, err)
			}
			l.sequences[i].Store(want + 1)
		})
		if n%20 == 19 {
			cl.Flush(context.Background())
		}
	}
	cl.Flush(context.Background())
}

func (l *crashLoad) client(opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(l.addr),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
		kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.RequestRetries(1 << 30), kgo.RecordRetries(1 << 30),
		kgo.UnknownTopicRetries(1 << 30),
	}, opts...)...)
	if err != nil {
		l.t.Error(err)
	}
	return cl
}

// transact commits and aborts transactions. A producer that fails is replaced.
func (l *crashLoad) transact() {
	cl := l.client(kgo.TransactionalID("t"))
	defer func() { cl.Close() }()
	for n := 0; !l.stop.Load(); n++ {
		ended, err := l.transaction(cl, n)
		switch {
		case err == nil && n%3 == 0:
			l.aborted = append(l.aborted, n)
		case err == nil:
			l.committed = append(l.committed, n)
		case ended && n%3 != 0:
			l.unknown = append(l.unknown, n)
		default:
			l.aborted = append(l.aborted, n)
		}
		if err != nil {
			cl.Close()
			cl = l.client(kgo.TransactionalID("t"))
		}
	}
}

func (l *crashLoad) transaction(cl *kgo.Client, n int) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := cl.BeginTransaction(); err != nil {
		return false, err
	}
	for j := range txnRecords {
		r := &kgo.Record{Topic: "t", Partition: int32(j), Value: fmt.Appendf(nil, "%d", n)}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			return false, err
		}
	}
	return true, cl.EndTransaction(ctx, n%3 != 0)
}

// commitOffsets commits growing offsets for group g.
func (l *crashLoad) commitOffsets() {
	cl := l.client()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	for n := int64(1); !l.stop.Load(); n++ {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		l.tried.Store(n)
		var os kadm.Offsets
		os.Add(kadm.Offset{Topic: "i", Partition: 0, At: n})
		rs, err := adm.CommitOffsets(ctx, "g", os)
		cancel()
		if err == nil {
			err = rs.Error()
		}
		if err == nil {
			l.offset.Store(n)
		}
	}
}

// TestBroker_Killed_KeepsAcknowledgedWrites kills the broker's process under
// idempotent and transactional load. SIGHTLOG_CYCLES says how often.
func TestBroker_Killed_KeepsAcknowledgedWrites(t *testing.T) {
	t.Parallel()
	cycles := cycles(5)
	dir := t.TempDir()
	c := startChild(t, dir, testenv.FreeAddr(t))
	defer func() { c.kill() }()
	l := &crashLoad{t: t, addr: c.addr}
	adm := kadm.NewClient(l.client())
	defer adm.Close()
	for _, topic := range []string{"i", "t"} {
		_, err := adm.CreateTopic(testContext(t), 4, 1, nil, topic)
		require.NoError(t, err)
	}
	var load sync.WaitGroup
	for i := range l.sequences {
		load.Go(func() { l.produce(i) })
	}
	load.Go(l.transact)
	load.Go(l.commitOffsets)
	for range cycles {
		l.live(rand.IntN(250))
		c.kill()
		floor := l.offset.Load()
		c = startChild(t, dir, c.addr)
		l.checkOffset(adm, floor)
	}
	l.stop.Store(true)
	load.Wait()
	l.check()
	t.Logf("%d cycles: %d and %d idempotent records, %d transactions committed, %d aborted, %d unknown, offset %d",
		cycles, l.sequences[0].Load(), l.sequences[1].Load(), len(l.committed), len(l.aborted), len(l.unknown), l.offset.Load())
}

// cycles is how often a test kills: SIGHTLOG_CYCLES times, or else n.
func cycles(n int) int {
	if set, err := strconv.Atoi(os.Getenv("SIGHTLOG_CYCLES")); err == nil {
		return set
	}
	return n
}

// live lets the load do something, for a random while.
func (l *crashLoad) live(ms int) {
	before := l.sequences[0].Load()
	until := time.Now().Add(time.Duration(ms) * time.Millisecond)
	require.Eventually(l.t, func() bool {
		return l.sequences[0].Load() > before && time.Now().After(until)
	}, time.Minute, time.Millisecond)
}

// checkOffset sees that a committed offset has not gone back.
func (l *crashLoad) checkOffset(adm *kadm.Client, floor int64) {
	rs, err := adm.FetchOffsets(testContext(l.t), "g")
	require.NoError(l.t, err)
	at, ok := rs.Lookup("i", 0)
	if !ok {
		require.Zero(l.t, floor)
		return
	}
	require.GreaterOrEqual(l.t, at.At, floor)
	require.LessOrEqual(l.t, at.At, l.tried.Load())
}

// check reads everything back.
func (l *crashLoad) check() {
	byPartition := l.readAll("i")
	for i := range l.sequences {
		got := byPartition[int32(i)]
		require.Len(l.t, got, int(l.sequences[i].Load()), "producer %d: each record once", i)
		for n, v := range got {
			require.Equal(l.t, strconv.Itoa(n), v, "producer %d: in order", i)
		}
	}
	seen := map[string][txnRecords]int{}
	for p, vs := range l.readAll("t") {
		for _, v := range vs {
			c := seen[v]
			c[p]++
			seen[v] = c
		}
	}
	whole, none := [txnRecords]int{1, 1, 1}, [txnRecords]int{}
	for _, n := range l.committed {
		require.Equal(l.t, whole, seen[strconv.Itoa(n)], "transaction %d was committed", n)
	}
	for _, n := range l.aborted {
		require.Equal(l.t, none, seen[strconv.Itoa(n)], "transaction %d was aborted", n)
	}
	for _, n := range l.unknown {
		require.Contains(l.t, [][txnRecords]int{whole, none}, seen[strconv.Itoa(n)], "transaction %d is whole or not there", n)
	}
}

// readAll returns the committed values of a topic by partition.
func (l *crashLoad) readAll(topic string) map[int32][]string {
	out := map[int32][]string{}
	for p, kvs := range l.readKeyed(topic) {
		for _, kv := range kvs {
			out[p] = append(out[p], kv[1])
		}
	}
	return out
}

// readKeyed returns the committed keys and values of a topic by partition.
func (l *crashLoad) readKeyed(topic string) map[int32][][2]string {
	adm := kadm.NewClient(l.client())
	defer adm.Close()
	ends, err := adm.ListEndOffsets(testContext(l.t), topic)
	require.NoError(l.t, err)
	cl := l.client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	defer cl.Close()
	out := map[int32][][2]string{}
	next := map[int32]int64{}
	for done := false; !done; {
		fs := cl.PollFetches(testContext(l.t))
		require.False(l.t, errors.Is(fs.Err(), context.DeadlineExceeded), "the end is reached")
		fs.EachRecord(func(r *kgo.Record) {
			require.GreaterOrEqual(l.t, r.Offset, next[r.Partition])
			next[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				out[r.Partition] = append(out[r.Partition], [2]string{string(r.Key), string(r.Value)})
			}
		})
		done = true
		ends.Each(func(o kadm.ListedOffset) {
			// What an aborted transaction left at the end is not returned.
			done = done && (next[o.Partition] >= o.Offset || o.Offset == 0)
		})
	}
	return out
}

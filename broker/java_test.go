package broker

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Apache Kafka's own clients, in processes that are killed as the broker is.

// compileJava compiles testdata/java and returns the class path.
func compileJava(t *testing.T) string {
	t.Helper()
	jars := kafkatest.ClassPath(t)
	if _, err := exec.LookPath("javac"); err != nil {
		testenv.Skip(t, "javac is not installed")
	}
	classes := t.TempDir()
	sources, err := filepath.Glob("testdata/java/*.java")
	require.NoError(t, err)
	out, err := exec.CommandContext(testContext(t), "javac", append([]string{"-cp", jars, "-d", classes}, sources...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return classes + string(filepath.ListSeparator) + jars
}

// javaProgram is a program of testdata/java that is started again and again.
type javaProgram struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	diag bytes.Buffer
}

func startJava(t *testing.T, classPath, class string, args ...string) *javaProgram {
	t.Helper()
	p := &javaProgram{t: t, args: append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", classPath, class}, args...)}
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s:\n%s", class, p.diag.Bytes()[max(0, p.diag.Len()-8000):])
		}
	})
	return p
}

func (p *javaProgram) start() {
	p.cmd = exec.Command("java", p.args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.diag, &p.diag
	require.NoError(p.t, p.cmd.Start())
}

func (p *javaProgram) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

func (p *javaProgram) restart() {
	p.kill()
	p.start()
}

// stop lets the program end what it does.
func (p *javaProgram) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
}

// javaRig is a broker in a process of its own, a topic that is fed with numbers
// and one in which a Java program leaves one record for each.
type javaRig struct {
	t      *testing.T
	dir    string
	broker *child
	load   *crashLoad

	fed  atomic.Int64
	seen atomic.Int64 // committed records in the topic of results
}

func newJavaRig(t *testing.T, from, to string, value func(n int64) string) (r *javaRig, stopFeeding func()) {
	t.Helper()
	r = &javaRig{t: t, dir: t.TempDir()}
	r.broker = startChild(t, r.dir, testenv.FreeAddr(t))
	t.Cleanup(func() { r.broker.kill() })
	r.load = &crashLoad{t: t, addr: r.broker.addr}
	adm := kadm.NewClient(r.load.client())
	defer adm.Close()
	for _, topic := range []string{from, to} {
		_, err := adm.CreateTopic(testContext(t), 3, 1, nil, topic)
		require.NoError(t, err)
	}
	var feeding, watching sync.WaitGroup
	feedCtx, stop := context.WithCancel(context.Background())
	watchCtx, unwatch := context.WithCancel(context.Background())
	feed := r.load.client()
	feeding.Go(func() { r.feed(feedCtx, feed, from, value) })
	watch := r.load.client(kgo.ConsumeTopics(to), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond))
	watching.Go(func() { r.watch(watchCtx, watch) })
	stopFeeding = func() {
		stop()
		feeding.Wait()
	}
	t.Cleanup(func() {
		feed.Close() // ends what a broker that has gone holds up
		stopFeeding()
		unwatch()
		watching.Wait()
		watch.Close()
	})
	return r, stopFeeding
}

// feed writes numbers until ctx ends, about five hundred a second.
func (r *javaRig) feed(ctx context.Context, cl *kgo.Client, topic string, value func(int64) string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := int64(0); ; {
		for range 10 {
			cl.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: int32(n % 3), Value: []byte(value(n))}, func(_ *kgo.Record, err error) {
				if err != nil && ctx.Err() == nil {
					r.t.Errorf("feed: %v", err)
				}
			})
			n++
		}
		if cl.Flush(context.Background()) != nil {
			return
		}
		r.fed.Store(n)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// watch counts the results.
func (r *javaRig) watch(ctx context.Context, cl *kgo.Client) {
	for ctx.Err() == nil {
		r.seen.Add(int64(cl.PollFetches(ctx).NumRecords()))
	}
}

// advance waits until n more results have come.
func (r *javaRig) advance(n int64) {
	r.t.Helper()
	until := r.seen.Load() + n
	require.Eventually(r.t, func() bool { return r.seen.Load() >= until }, 2*time.Minute, 10*time.Millisecond, "%d of %d have come", r.seen.Load(), until)
}

// crash kills one after the other of what can be killed, and lets the program
// get on in between. SIGHTLOG_CYCLES says how often.
func (r *javaRig) crash(kills ...func()) {
	for i := range cycles(len(kills)) {
		r.advance(int64(1 + rand.IntN(600)))
		kills[i%len(kills)]()
	}
	r.advance(100)
}

func (r *javaRig) restartBroker() {
	r.broker.kill()
	r.broker = startChild(r.t, r.dir, r.broker.addr)
}

// drain waits until there is a result for all that was fed.
func (r *javaRig) drain() {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.seen.Load() >= r.fed.Load() }, 5*time.Minute, 10*time.Millisecond, "results for all that was fed")
}

func TestJava_KafkaStreams_CountsExactlyOnce(t *testing.T) {
	t.Parallel()
	classPath := compileJava(t)
	word := func(n int64) string { return fmt.Sprintf("word-%d", n%50) }
	r, stopFeeding := newJavaRig(t, "words", "counts", word)
	state := t.TempDir()
	app := startJava(t, classPath, "Counter", r.broker.addr, state)
	both := func() {
		app.kill()
		r.restartBroker()
		app.start()
	}
	r.crash(app.restart, r.restartBroker, both)
	stopFeeding()
	r.drain()
	app.stop()

	want := map[string]int{}
	for n := range r.fed.Load() {
		want[word(n)]++
	}
	got := map[string]int{}
	for _, values := range r.load.readKeyed("counts") {
		for _, kv := range values {
			got[kv[0]]++
			require.Equal(t, strconv.Itoa(got[kv[0]]), kv[1], "the counts of %s come in order, each once", kv[0])
		}
	}
	require.Equal(t, want, got)
	t.Logf("%d words counted", r.fed.Load())
}

func TestJava_TransactionalCopiers_CopyExactlyOnce(t *testing.T) {
	t.Parallel()
	classPath := compileJava(t)
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	r, stopFeeding := newJavaRig(t, "from", "to", number)
	one := startJava(t, classPath, "Copier", r.broker.addr, "one")
	two := startJava(t, classPath, "Copier", r.broker.addr, "two")
	both := func() {
		two.restart()
		r.restartBroker()
	}
	r.crash(one.restart, r.restartBroker, both)
	stopFeeding()
	r.drain()
	one.stop()
	two.stop()

	times := map[string]int{}
	for _, values := range r.load.readKeyed("to") {
		for _, kv := range values {
			times[kv[1]]++
		}
	}
	require.Len(t, times, int(r.fed.Load()))
	for n := range r.fed.Load() {
		require.Equal(t, 1, times[number(n)], "%d is there once", n)
	}
	t.Logf("%d records copied", r.fed.Load())
}

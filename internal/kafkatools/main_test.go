// Package kafkatools runs the tools of Apache Kafka's world on topics of sightings: on our broker and, as the
// control, on Apache Kafka. What a tool prints and leaves there must be the same.
package kafkatools_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
)

// limit names what a hang waited for.
const limit = 3 * time.Minute

// world is one log.
type world struct {
	*testing.T
	name, addr string
	cl         *kgo.Client
	adm        *kadm.Client
}

func newWorld(t *testing.T, name, addr string) *world {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.UnknownTopicRetries(-1)) // Kafka creates topics a moment later
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return &world{t, name, addr, cl, kadm.NewClient(cl)}
}

func ours(t *testing.T) *world {
	t.Helper()
	return newWorld(t, "ours", brokertest.Start(t).Addr())
}

func apache(t *testing.T) *world {
	t.Helper()
	return newWorld(t, "apache", kafkatest.Start(t, 1).Addrs())
}

// onBoth runs a test on our broker and on Apache Kafka.
func onBoth(t *testing.T, test func(*world)) {
	t.Helper()
	kafkatest.ClassPath(t)
	for name, start := range map[string]func(*testing.T) *world{"ours": ours, "apache": apache} {
		t.Run(name, func(t *testing.T) { test(start(t)) })
	}
}

// The cameras of the tests, and the beginning of their events' time, which is of this hour: what Streams keeps of
// windows is deleted by that time.
var (
	cameras = []string{"door", "gate", "hall"}
	began   = time.Now().UTC().Truncate(time.Second)
)

const framesPerSecond = 10

// people returns how many a camera sees in its frame n.
func people(camera string, n int64) int { return int(n+int64(len(camera)+int(camera[0]))) % 4 }

// topics creates those of the pipeline, and others with as many partitions as the sightings have.
func (w *world) topics(others ...string) {
	w.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.addr)) // of its own: a client remembers which topics are missing
	require.NoError(w, err)
	defer cl.Close()
	require.NoError(w, kafka.EnsureTopics(w.Context(), cl, 8))
	for _, topic := range others {
		r, err := kadm.NewClient(cl).CreateTopic(w.Context(), 8, 1, nil, topic)
		require.NoError(w, err)
		require.NoError(w, r.Err)
	}
}

// film writes sightings of each camera as detect does, from one frame of the events' time to another, and returns
// the runs by camera.
func (w *world) film(from, to int64) map[string]string {
	w.Helper()
	live, err := kafka.OpenLive(kafka.Config{Brokers: []string{w.addr}})
	require.NoError(w, err)
	defer live.Close()
	runs := map[string]string{}
	for _, camera := range cameras {
		writer, err := live.Open(w.Context(), event.Run{Camera: camera, SourceKind: event.SourceTest, Source: "test://people"})
		require.NoError(w, err)
		runs[camera] = writer.Run().ID
		for n := from; n < to; n++ {
			at := event.At(began.Add(time.Duration(n) * time.Second / framesPerSecond))
			s := &event.Sighting{
				Camera: camera, Run: runs[camera], Seq: n - from, SourceKind: event.SourceTest,
				CapturedAt: at, GrabbedAt: at, DecodedAt: at, InferredAt: at, Frame: event.Size{Width: 640, Height: 480},
				Model: event.Model{Name: "test", SHA256: strings.Repeat("0", 64)},
			}
			for i := range people(camera, n) {
				s.Objects = append(s.Objects, event.Object{Index: i, Label: "person", Score: 0.9, Box: event.Box{1, 1, 9, 9}})
			}
			require.NoError(w, writer.Send(w.Context(), s))
		}
		require.NoError(w, writer.Close(w.Context()))
	}
	return runs
}

// read returns the committed records of a topic up to its present end, each partition's in order.
func (w *world) read(topic string) (all []*kgo.Record) {
	w.Helper()
	ends, err := w.adm.ListEndOffsets(w.Context(), topic)
	require.NoError(w, err)
	require.NoError(w, ends.Error())
	var partitions []int32
	ends.Each(func(o kadm.ListedOffset) { partitions = append(partitions, o.Partition) })
	err = kafka.ReadPartitions(w.Context(), kafka.Config{Brokers: []string{w.addr}}, topic, partitions, func(r *kgo.Record) error {
		all = append(all, r)
		return nil
	})
	require.NoError(w, err)
	return all
}

// await waits until a topic holds n committed records.
func (w *world) await(topic string, n int, p *program) {
	w.Helper()
	held := 0
	for deadline := time.Now().Add(limit); ; w.pause() {
		if held = w.count(topic); held >= n {
			return
		}
		require.True(w, time.Now().Before(deadline), "%s holds %d of %d records\n%s", topic, held, n, p)
	}
}

func (w *world) count(topic string) int {
	w.Helper()
	ends, err := w.adm.ListEndOffsets(w.Context(), topic)
	require.NoError(w, err)
	if ends.Error() != nil { // it does not exist yet
		return 0
	}
	return len(w.read(topic))
}

func (w *world) pause() {
	select {
	case <-time.After(200 * time.Millisecond):
	case <-w.Context().Done():
	}
}

// classes compiles the Java programs of a directory and returns the class path.
func classes(t *testing.T, dir, jars string) string {
	t.Helper()
	if _, err := exec.LookPath("javac"); err != nil {
		testenv.Skip(t, "javac is not installed")
	}
	out := t.TempDir()
	sources, err := filepath.Glob(filepath.Join(dir, "*.java"))
	require.NoError(t, err)
	require.NotEmpty(t, sources)
	text, err := exec.Command("javac", append([]string{"-cp", jars, "-d", out}, sources...)...).CombinedOutput()
	require.NoError(t, err, "%s", text)
	return out + string(filepath.ListSeparator) + jars
}

// program is one in Java, which runs beside the test.
type program struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

func java(t *testing.T, classPath, class string, args ...string) *program {
	t.Helper()
	p := &program{t: t, args: append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-cp", classPath, class}, args...)}
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s", p)
		}
	})
	return p
}

func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command("java", p.args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	require.NoError(p.t, p.cmd.Start())
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// stop lets the program end what it does.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// wait waits until the program ends by itself, well.
func (p *program) wait() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), limit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	err := p.cmd.Wait()
	require.NoError(p.t, errors.Join(err, ctx.Err()), "%s", p)
}

// String returns what the program printed last. It is called when it has ended, or a test has failed.
func (p *program) String() string {
	text := p.out.Bytes()
	return fmt.Sprintf("%s:\n%s", strings.Join(p.args[4:], " "), text[max(0, len(text)-6000):])
}

// needAll skips a test that takes minutes, unless all are asked for (make test-tools).
func needAll(t *testing.T) {
	t.Helper()
	if os.Getenv("SIGHTLOG_TOOLS") != "all" {
		t.Skip("SIGHTLOG_TOOLS=all (make test-tools) runs it")
	}
}

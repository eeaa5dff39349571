package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
)

// backlog is how many sightings BenchmarkMirror_Backlog mirrors, of how many cameras.
const backlog, backlogCameras = 200_000, 8

// BenchmarkMirror_Backlog mirrors a backlog of sightings from one bundled broker into an empty other one, both processes
// of their own: by sightlogd mirror and by MirrorMaker 2 with exactly-once support, in turn, three rounds. The time is from
// the first record that a reader of the target gets to the last, so neither start counts; the CPU is that of the mirroring
// process in this time, and with its start. Each record must come once.
//
//	go test ./internal/e2e -run '^$' -bench Mirror_Backlog -benchtime 1x
func BenchmarkMirror_Backlog(b *testing.B) {
	jars := kafkatest.ClassPath(b)
	edge := testenv.FreeAddr(b)
	start(b, sightlogd, "broker", "--listen", edge, "--data", dataDir(b))
	firstAnswer(b, edge)
	bytes := fillBacklog(b, edge)
	for round := range 3 {
		for _, side := range []struct {
			name, topic string
			command     func(centre string) *exec.Cmd
		}{
			{"sightlogd", kafka.Sightings, func(centre string) *exec.Cmd {
				return exec.Command(sightlogd, "mirror", "--brokers", edge, "--into", centre, "--mirror-topics", kafka.Sightings,
					"--mirror-group", "sightlog-mirror-"+strings.ReplaceAll(centre, ":", "-"))
			}},
			{"mirrormaker", "edge." + kafka.Sightings, func(centre string) *exec.Cmd { return mirrorMaker(b, jars, edge, centre) }},
		} {
			b.Run(fmt.Sprintf("%s/%d", side.name, round+1), func(b *testing.B) {
				for range b.N {
					mirrorBacklog(b, side.topic, bytes, side.command)
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func mirrorBacklog(b *testing.B, topic string, bytes int64, command func(centre string) *exec.Cmd) {
	b.Helper()
	load := host.Describe().Load
	centre := testenv.FreeAddr(b)
	target := start(b, sightlogd, "broker", "--listen", centre, "--data", dataDir(b))
	firstAnswer(b, centre)
	cmd := command(centre)
	p := start(b, cmd.Path, cmd.Args[1:]...)
	pid := p.cmd.Process.Pid
	cpu := func() time.Duration {
		used, err := service.Time(pid)
		require.NoError(b, err, "%s", p.output)
		return used
	}

	ctx, cancel := context.WithTimeout(b.Context(), limit)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(centre), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(100*time.Millisecond))
	require.NoError(b, err)
	defer cl.Close()
	var began time.Time
	var first time.Duration
	next := map[string]int64{} // by camera
	before := 0                // records of the first poll, which were there when the time began
	for n := 0; n < backlog; {
		fetches := cl.PollFetches(ctx)
		require.NoError(b, ctx.Err(), "%d of %d records\n%s", n, backlog, p.output)
		fetches.EachRecord(func(r *kgo.Record) {
			s, err := event.DecodeSighting(r.Value)
			require.NoError(b, err)
			require.Equal(b, next[s.Camera], s.Seq, s.Camera)
			next[s.Camera]++
		})
		if n += fetches.NumRecords(); began.IsZero() && n > 0 {
			began, first, before = time.Now(), cpu(), n
		}
	}
	took, used := time.Since(began).Seconds(), cpu()
	usage, err := service.Usage("mirror", pid)
	require.NoError(b, err)
	counted := float64(backlog - before)
	b.ReportMetric(counted/took, "records/s")
	b.ReportMetric(counted/backlog*float64(bytes)/1e6/took, "MB/s")
	b.ReportMetric(float64((used-first).Microseconds())/counted, "cpu-µs/record")
	b.ReportMetric(used.Seconds(), "cpu-s-with-start")
	b.ReportMetric(float64(usage.RSS)/1e6, "MB")
	b.ReportMetric(load, "load")
	p.kill()
	target.kill()
}

// fillBacklog writes the backlog as detect would, and returns the bytes of keys and values.
func fillBacklog(b *testing.B, addr string) (bytes int64) {
	b.Helper()
	cfg := kafka.Config{Brokers: []string{addr}}
	cl, err := cfg.Client(kgo.ProducerLinger(5*time.Millisecond), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	require.NoError(b, err)
	defer cl.Close()
	require.NoError(b, kafka.EnsureTopics(b.Context(), cl, backlogCameras))
	began := time.Now().UTC().Truncate(time.Second).Add(-backlog / backlogCameras * 100 * time.Millisecond)
	for n := range backlog {
		seq := int64(n / backlogCameras)
		at := event.At(began.Add(time.Duration(seq) * 100 * time.Millisecond))
		s := &event.Sighting{
			Camera: fmt.Sprint("camera-", n%backlogCameras), Run: "run", Seq: seq, SourceKind: event.SourceTest,
			CapturedAt: at, GrabbedAt: at, DecodedAt: at, InferredAt: at, ProducedAt: at, Frame: event.Size{Width: 1920, Height: 1080},
			Model: event.Model{Name: "person-nano", SHA256: strings.Repeat("0", 64), Input: [2]int{416, 320}, Provider: "cpu"},
		}
		for i := range 2 {
			x := float32((int(seq)*7+i*500)%1500) + 0.5
			s.Objects = append(s.Objects, event.Object{Index: i, Label: "person", Score: 0.9 - x/1e4, Box: event.Box{x, 200 + x/9, x + 80, 420 + x/7}})
		}
		value, err := s.Encode()
		require.NoError(b, err)
		rec := &kgo.Record{Topic: kafka.Sightings, Key: []byte(s.Camera), Value: value}
		bytes += int64(len(rec.Key) + len(value))
		cl.Produce(b.Context(), rec, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	require.NoError(b, cl.Flush(b.Context()))
	return bytes
}

// mirrorMaker is MirrorMaker 2 as a process of its own that does what sightlogd mirror does: exactly once, with the codec
// that detect uses, from the beginning.
func mirrorMaker(b *testing.B, jars, edge, centre string) *exec.Cmd {
	b.Helper()
	file := filepath.Join(b.TempDir(), "mm2.properties")
	require.NoError(b, os.WriteFile(file, []byte(strings.Join([]string{
		"clusters=edge,centre", "edge.bootstrap.servers=" + edge, "centre.bootstrap.servers=" + centre,
		"edge->centre.enabled=true", "centre->edge.enabled=false", "topics=" + kafka.Sightings, "groups=none",
		"replication.factor=1", "checkpoints.topic.replication.factor=1", "heartbeats.topic.replication.factor=1",
		"offset-syncs.topic.replication.factor=1", "offset.storage.replication.factor=1", "status.storage.replication.factor=1",
		"config.storage.replication.factor=1", "centre.exactly.once.source.support=enabled",
		"edge.consumer.isolation.level=read_committed", "centre.producer.compression.type=zstd",
		"dedicated.mode.enable.internal.rest=true", "listeners=http://127.0.0.1:0",
	}, "\n")+"\n"), 0o600))
	return exec.Command("java", "-Xmx512m", "-cp", jars, "org.apache.kafka.connect.mirror.MirrorMaker", file)
}

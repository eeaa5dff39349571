package e2e_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
)

// sixPeople is a record of a frame of one of fifty cameras, with six people.
func sixPeople(b *testing.B, n int) *kgo.Record {
	at := time.Now()
	s := &event.Sighting{
		Camera: fmt.Sprint("cam-", n%50), Run: fmt.Sprint("run-", n%50), Seq: int64(n / 50), SourceKind: event.SourceFile, PTS: int64(n) * 40_000,
		CapturedAt: event.At(at), GrabbedAt: event.At(at), DecodedAt: event.At(at), InferredAt: event.At(at), ProducedAt: event.At(at),
		Frame: event.Size{Width: 768, Height: 576},
		Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"},
	}
	for i := range 6 {
		x, track := float32(100*i), int64(i)
		s.Objects = append(s.Objects, event.Object{Index: i, Label: "person", Score: 0.9, Box: event.Box{x, 20, x + 50.5, 160}, TrackID: &track})
	}
	value, err := s.Encode()
	require.NoError(b, err)
	return &kgo.Record{Topic: kafka.Sightings, Key: []byte(s.Camera), Value: value,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaSighting)}}}
}

// brokerAlone starts the broker as a service and returns a client of it, the topic made.
func brokerAlone(b *testing.B) (addr string, cl *kgo.Client) {
	addr = testenv.FreeAddr(b)
	start(b, sightlogd, "broker", "--listen", addr, "--data", dataDir(b))
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	require.NoError(b, err)
	b.Cleanup(cl.Close)
	require.Eventually(b, func() bool {
		_, err := kadm.NewClient(cl).CreateTopic(b.Context(), 8, 1, nil, kafka.Sightings)
		return err == nil
	}, limit, 100*time.Millisecond)
	return addr, cl
}

// untilStored waits until so many sightings are in the table, asking at most every 50 ms.
func untilStored(b *testing.B, conn *pgx.Conn, want int, p *process) {
	for {
		var n int
		require.NoError(b, conn.QueryRow(b.Context(), "SELECT count(*) FROM sightings").Scan(&n))
		require.False(b, p.ended(), "%s", p.output)
		if n >= want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// peak is the most memory that a process has held, in bytes.
func peak(b *testing.B, pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(b, m)
	n, err := strconv.Atoi(string(m[1]))
	require.NoError(b, err)
	return float64(n) * 1024
}

// BenchmarkSink_CatchUp starts the service over a log of 200,000 sightings of six people
// each, into a database that syncs: rows of sightings and detections a second, and the
// most memory that the process held (VmHWM).
func BenchmarkSink_CatchUp(b *testing.B) {
	const frames = 200_000
	for b.Loop() {
		b.StopTimer()
		addr, cl := brokerAlone(b)
		for n := range frames {
			cl.Produce(b.Context(), sixPeople(b, n), func(_ *kgo.Record, err error) { require.NoError(b, err) })
		}
		require.NoError(b, cl.Flush(b.Context()))
		url := pgtest.DurableURL(b)
		conn, err := pgx.Connect(b.Context(), url)
		require.NoError(b, err)
		b.StartTimer()
		began := time.Now()
		p := start(b, sightlogd, "sink", "--brokers", addr, "--database-url", url)
		untilStored(b, conn, frames, p)
		b.ReportMetric(7*frames/time.Since(began).Seconds(), "rows/s")
		b.ReportMetric(peak(b, p.cmd.Process.Pid)/1e6, "peak-MB")
		require.Zero(b, p.stop(b).code)
		_ = conn.Close(b.Context())
	}
}

// BenchmarkSink_Steady sends 5,000 rows a second, as sightings of six people each, for half
// a minute to the service: from the broker's acknowledgement of a sighting to its commit.
func BenchmarkSink_Steady(b *testing.B) {
	const rate, seconds = 714, 30 // sightings, each 7 rows
	for b.Loop() {
		addr, cl := brokerAlone(b)
		url := pgtest.DurableURL(b)
		conn, err := pgx.Connect(b.Context(), url)
		require.NoError(b, err)
		p := start(b, sightlogd, "sink", "--brokers", addr, "--database-url", url)
		for n := range 50 { // assigns every partition and makes every camera
			cl.Produce(b.Context(), sixPeople(b, n), func(_ *kgo.Record, err error) { require.NoError(b, err) })
		}
		untilStored(b, conn, 50, p)
		const total = rate * seconds
		began := time.Now()
		for n := range total {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / rate)))
			cl.Produce(b.Context(), sixPeople(b, 50+n), func(_ *kgo.Record, err error) { require.NoError(b, err) })
		}
		require.NoError(b, cl.Flush(b.Context()))
		untilStored(b, conn, total+50, p)
		rows, err := conn.Query(b.Context(), `
			SELECT extract(epoch FROM committed_at - captured_at) * 1000
			FROM sightings JOIN batches USING (batch_id) WHERE seq > 0`)
		require.NoError(b, err)
		ms, err := pgx.CollectRows(rows, pgx.RowTo[float64])
		require.NoError(b, err)
		slices.Sort(ms)
		b.ReportMetric(ms[len(ms)/2], "p50-ms")
		b.ReportMetric(ms[len(ms)*95/100], "p95-ms")
		b.ReportMetric(ms[len(ms)*99/100], "p99-ms")
		require.Zero(b, p.stop(b).code)
		_ = conn.Close(b.Context())
	}
}

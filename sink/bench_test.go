package sink_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

// crowd is a sighting with six people, about what vtest.avi has.
func crowd(camera string, n int) *event.Sighting {
	s := sighting(camera, "run-of-"+camera, n)
	s.Objects = nil
	for i := range 6 {
		x := float32(100 * i)
		track := int64(i)
		s.Objects = append(s.Objects, event.Object{Index: i, Label: "person", Score: 0.9, Box: event.Box{x, 20, x + 50.5, 160}, TrackID: &track})
	}
	return s
}

// BenchmarkBacklog drains a log of sightings with six people each into a
// database that syncs: rows/s is sightings and detections together.
func BenchmarkBacklog(b *testing.B) {
	const frames = 20_000
	for _, consumers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("consumers=%d", consumers), func(b *testing.B) {
			var rows, batches int
			var took time.Duration
			for b.Loop() {
				b.StopTimer()
				w := newWorldOn(b, pgtest.Durable(b))
				var recs []*kgo.Record
				for n := range frames / 8 {
					for c := range 8 {
						recs = append(recs, record(b, crowd(fmt.Sprint("cam-", c), n)))
					}
				}
				w.produce(recs...)
				b.StartTimer()
				began := time.Now()
				stop := w.start(func(c *sink.Config) { c.Consumers, c.Log = consumers, nil })
				w.drain()
				took += time.Since(began)
				b.StopTimer()
				stop()
				require.Equal(b, frames, w.number("SELECT count(*) FROM sightings"))
				rows += frames + w.number("SELECT count(*) FROM detections")
				batches += w.number("SELECT count(*) FROM batches")
				b.StartTimer()
			}
			b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
			b.ReportMetric(took.Seconds()*1000*float64(consumers)/float64(batches), "ms/batch")
		})
	}
}

// BenchmarkOneByOne sends a sighting when the one before is committed: from the
// broker's acknowledgement to the database's. Beside it, in the same run, what
// the disk and the database need at the least: one fdatasync, and one INSERT of
// a row into a plain table.
func BenchmarkOneByOne(b *testing.B) {
	w := newWorldOn(b, pgtest.Durable(b))
	commits := make(chan sink.Commit, 16) // one is under way at a time
	w.start(func(c *sink.Config) {
		c.Log = nil
		c.OnCommit = func(k sink.Commit) { commits <- k }
	})
	n := 0
	send := func() (acked time.Time, commit sink.Commit) {
		w.produce(record(b, crowd("porch", n)))
		n++
		acked = time.Now()
		return acked, <-commits
	}
	for range 50 {
		send() // joins the group, makes the day's partitions and the names
	}
	var took []time.Duration
	for b.Loop() {
		acked, commit := send()
		took = append(took, commit.At.Sub(acked))
	}
	report(b, took, "ack-to-commit")
	report(b, syncs(b, min(len(took), 500)), "fdatasync")
	report(b, inserts(b, w, min(len(took), 500)), "plain-insert")
}

func report(b *testing.B, took []time.Duration, name string) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name+"-p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"-p99-ms")
}

func syncs(b *testing.B, n int) (took []time.Duration) {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	require.NoError(b, err)
	defer f.Close()
	for range n {
		began := time.Now()
		_, err := f.Write(make([]byte, 1024))
		require.NoError(b, err)
		require.NoError(b, f.Sync())
		took = append(took, time.Since(began))
	}
	return took
}

func inserts(b *testing.B, w *world, n int) (took []time.Duration) {
	_, err := w.pool.Exec(b.Context(), "CREATE TABLE plain (n bigint)")
	require.NoError(b, err)
	for i := range n {
		began := time.Now()
		_, err := w.pool.Exec(b.Context(), "INSERT INTO plain VALUES ($1)", i)
		require.NoError(b, err)
		took = append(took, time.Since(began))
	}
	return took
}

package sink_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
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

// BenchmarkBacklog drains a log of sightings with six people each into a database that
// syncs, totals included: rows/s is sightings and detections together. In the same run
// the same sightings are brought into an empty table of the same kind by psql's \copy,
// which keeps no totals, and by one INSERT and one commit for each row.
func BenchmarkBacklog(b *testing.B) {
	const frames = 20_000
	fill := func(b *testing.B) *world {
		w := newWorldOn(b, pgtest.Durable(b))
		var recs []*kgo.Record
		for n := range frames / 8 {
			for c := range 8 {
				recs = append(recs, record(b, crowd(fmt.Sprint("cam-", c), n)))
			}
		}
		w.produce(recs...)
		return w
	}
	drain := func(b *testing.B, w *world, consumers int) (took time.Duration) {
		began := time.Now()
		stop := w.start(func(c *sink.Config) { c.Consumers, c.Log = consumers, nil })
		w.drain()
		took = time.Since(began)
		stop()
		require.Equal(b, frames, w.number("SELECT count(*) FROM sightings"))
		return took
	}
	for _, consumers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("sink/consumers=%d", consumers), func(b *testing.B) {
			var took time.Duration
			n := 0
			for b.Loop() {
				b.StopTimer()
				w := fill(b)
				b.StartTimer()
				took += drain(b, w, consumers)
				n += 7 * frames
			}
			b.ReportMetric(float64(n)/took.Seconds(), "rows/s")
		})
	}
	empty := func(b *testing.B) (pool *pgxpool.Pool, file string) {
		w := fill(b)
		drain(b, w, 2)
		file = filepath.Join(b.TempDir(), "sightings")
		psql(b, w.pool, fmt.Sprintf("\\copy (select * from sightings order by captured_at) to '%s'", file))
		_, err := w.pool.Exec(b.Context(), "TRUNCATE sightings")
		require.NoError(b, err)
		return w.pool, file
	}
	b.Run("psql-copy", func(b *testing.B) {
		pool, file := empty(b)
		var took time.Duration
		for b.Loop() {
			began := time.Now()
			psql(b, pool, fmt.Sprintf("\\copy sightings from '%s'", file))
			took += time.Since(began)
			b.StopTimer()
			_, err := pool.Exec(b.Context(), "TRUNCATE sightings")
			require.NoError(b, err)
			b.StartTimer()
		}
		b.ReportMetric(float64(b.N*7*frames)/took.Seconds(), "rows/s")
	})
	// A row a detection and one a sighting, each committed, as programs do it that have
	// no log before the database.
	b.Run("one-insert-one-commit", func(b *testing.B) {
		pool := pgtest.Durable(b)
		_, err := pool.Exec(b.Context(), `CREATE TABLE plain (captured_at timestamptz, camera integer, run integer, seq bigint, object smallint,
			class integer, score real, x1 real, y1 real, x2 real, y2 real, track bigint, PRIMARY KEY (captured_at, camera, run, seq, object))`)
		require.NoError(b, err)
		n := 0
		for b.Loop() {
			_, err := pool.Exec(b.Context(), "INSERT INTO plain VALUES ($1, 1, 1, $2, $3, 0, .9, 1, 2, 3, 4, 5)", origin, n/7, n%7)
			require.NoError(b, err)
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
}

// psql runs a command of psql's.
func psql(b *testing.B, pool *pgxpool.Pool, command string) {
	b.Helper()
	c := pool.Config().ConnConfig
	cmd := exec.Command("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", c.Host, "-p", fmt.Sprint(c.Port), "-U", c.User, "-d", c.Database, "-c", command)
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, "%s", out)
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

package sink_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

// BenchmarkBacklog drains a log of sightings with six people each into a database that
// syncs, totals included: rows/s is sightings and detections together, from the first commit
// to the last. The sink is a process of its own; sink-us/row and server-us/row are its
// processor time and PostgreSQL's, and pause-ms the longest time between two commits; its memory is
// BenchmarkSink_CatchUp's, of package e2e. In the same run psql's \copy, over one connection,
// brings the same rows into the same empty tables, the tables of totals among them: it need not
// decode, add up, nor look anything up. And one INSERT and one commit for each row.
func BenchmarkBacklog(b *testing.B) {
	for _, c := range []struct{ consumers, frames int }{{1, 40_000}, {2, 40_000}, {4, 40_000}, {2, 200_000}} {
		b.Run(fmt.Sprintf("sink/consumers=%d/sightings=%d", c.consumers, c.frames), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				url := pgtest.DurableURL(b)
				w := newWorldOn(b, pgtest.Pool(b, url))
				w.crowds(c.frames)
				server := pgtest.Processor(b, w.pool)
				b.StartTimer()
				sink := w.drainBy(url, c.consumers)
				b.StopTimer()
				require.Equal(b, c.frames, w.number("SELECT count(*) FROM sightings"))
				perRow(b, c.frames, "server-us/row", pgtest.Processor(b, w.pool)-server)
				perRow(b, c.frames, "sink-us/row", sink.UserTime()+sink.SystemTime())
				b.ReportMetric(float64(w.number(`SELECT (7 * sum(records) FILTER (WHERE committed_at > first) / extract(epoch FROM max(committed_at) - min(committed_at)))::integer
					FROM (SELECT *, min(committed_at) OVER () AS first FROM batches) b`)), "rows/s")
				b.ReportMetric(float64(w.number(`SELECT (1000 * max(extract(epoch FROM pause)))::integer
					FROM (SELECT committed_at - lag(committed_at) OVER (ORDER BY committed_at) AS pause FROM batches) b`)), "pause-ms")
				b.StartTimer()
			}
		})
	}
	b.Run("psql-copy", benchmarkCopy)
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

// benchmarkCopy brings the rows of a drained log into the empty tables by \copy.
func benchmarkCopy(b *testing.B) {
	const frames = 40_000
	url := pgtest.DurableURL(b)
	w := newWorldOn(b, pgtest.Pool(b, url))
	w.crowds(frames)
	w.drainBy(url, 2)
	dir := b.TempDir()
	var out, in []string
	for _, table := range []string{"sightings", "batches", "camera_minutes", "camera_half_hours", "zone_minutes", "tracks", "visits", "latest_sightings"} {
		file := filepath.Join(dir, table)
		out = append(out, fmt.Sprintf("\\copy (SELECT * FROM %s) TO '%s'", table, file))
		in = append(in, fmt.Sprintf("\\copy %s FROM '%s'", table, file))
	}
	psql(b, w.pool, out...)
	for b.Loop() {
		b.StopTimer()
		_, err := w.pool.Exec(b.Context(), "TRUNCATE sightings, batches, camera_minutes, camera_half_hours, zone_minutes, tracks, visits, latest_sightings")
		require.NoError(b, err)
		server := pgtest.Processor(b, w.pool)
		began := time.Now()
		b.StartTimer()
		client := psql(b, w.pool, in...)
		b.StopTimer()
		b.ReportMetric(7*frames/time.Since(began).Seconds(), "rows/s")
		perRow(b, frames, "client-us/row", client.UserTime()+client.SystemTime())
		// The session's time counts once its process has ended; it is a multiple of psql's.
		w.await("the session to end", func() bool { return pgtest.Processor(b, w.pool)-server > client.UserTime() })
		perRow(b, frames, "server-us/row", pgtest.Processor(b, w.pool)-server)
		b.StartTimer()
	}
}

func perRow(b *testing.B, frames int, name string, d time.Duration) {
	b.Helper()
	b.ReportMetric(d.Seconds()*1e6/float64(7*frames), name)
}

// crowd is a sighting with six people, about what vtest.avi has.
func crowd(camera string, n int) *event.Sighting {
	s := sighting(camera, "run-of-"+camera, n)
	s.Objects = nil
	for i := range 6 {
		x := float32(100*i) + float32(n%1000)/16
		track := int64(n/500*6 + i)
		s.Objects = append(s.Objects, event.Object{Index: i, Label: "person", Score: 0.91234, Box: event.Box{x, 20.125, x + 50.37, 160.75}, TrackID: &track})
	}
	s.Objects[0].Zones = []string{"door"}
	return s
}

// crowds produces so many crowds, of eight cameras.
func (w *world) crowds(frames int) {
	w.Helper()
	var recs []*kgo.Record
	for n := range frames {
		recs = append(recs, record(w, crowd(fmt.Sprint("cam-", n%8), n/8)))
		if len(recs) == 5000 || n == frames-1 {
			w.produce(recs...)
			recs = recs[:0]
		}
	}
}

// drainBy runs a sink as a process of its own, with the limit of memory that the command sets
// itself, until the tables hold what the log holds.
func (w *world) drainBy(url string, consumers int) *os.ProcessState {
	w.Helper()
	child := startSink(w, w.Output(), w.stream.Brokers[0], url, sink.Group, "SIGHTLOG_TEST_SINK_RECORDS=0",
		fmt.Sprint("SIGHTLOG_TEST_SINK_CONSUMERS=", consumers), fmt.Sprintf("GOMEMLIMIT=%dMiB", 46+16*consumers))
	w.drain()
	child.kill()
	return child.ProcessState
}

// psql runs commands of psql's, in one session.
func psql(b *testing.B, pool *pgxpool.Pool, commands ...string) *os.ProcessState {
	b.Helper()
	c := pool.Config().ConnConfig
	args := []string{"-qX", "-v", "ON_ERROR_STOP=1", "-h", c.Host, "-p", fmt.Sprint(c.Port), "-U", c.User, "-d", c.Database}
	for _, command := range commands {
		args = append(args, "-c", command)
	}
	cmd := exec.Command("psql", args...)
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, "%s", out)
	return cmd.ProcessState
}

// BenchmarkSteady sends 5000 rows a second, of 48 cameras, for five seconds, and reports
// how long a transaction takes from its records' arrival to its acknowledgement, and a
// sighting from before it is sent.
func BenchmarkSteady(b *testing.B) {
	const cameras = 48
	rate := 5000.0 / 7
	for b.Loop() {
		w := newWorldOn(b, pgtest.Durable(b))
		w.start(func(c *sink.Config) { c.Log = nil })
		w.produce(record(b, crowd("cam-0", 0))) // joins the group, makes the day's partitions
		w.drain()
		began := time.Now()
		for n := range int(5 * rate) {
			time.Sleep(time.Until(began.Add(time.Duration(float64(n) / rate * float64(time.Second)))))
			s := crowd(fmt.Sprint("cam-", n%cameras), 1+n/cameras)
			s.ProducedAt = event.At(time.Now())
			w.cl.Produce(b.Context(), record(b, s), nil)
		}
		w.drain()
		for name, sql := range map[string]string{
			"commit":            "SELECT round(1e6 * percentile_disc(%g) WITHIN GROUP (ORDER BY extract(epoch FROM committed_at - fetched_at)))::integer FROM batches",
			"sent-to-committed": "SELECT round(1e6 * percentile_disc(%g) WITHIN GROUP (ORDER BY extract(epoch FROM committed_at - produced_at)))::integer FROM sightings JOIN batches USING (batch_id)",
		} {
			b.ReportMetric(float64(w.number(fmt.Sprintf(sql, .5)))/1000, name+"-p50-ms")
			b.ReportMetric(float64(w.number(fmt.Sprintf(sql, .95)))/1000, name+"-p95-ms")
		}
		b.ReportMetric(float64(w.number("SELECT count(*) FROM batches"))/5, "commits/s")
	}
}

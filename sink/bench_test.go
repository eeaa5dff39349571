package sink_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

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

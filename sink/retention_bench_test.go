package sink_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

// BenchmarkRetention_DropDay has days of a million detections (SIGHTLOG_ROWS sets how many), of 50 cameras
// and five in each frame, and drops one after the other in a round each, while somebody inserts rows of
// today and waits for each. Beside it, the last day's rows are deleted by a statement.
func BenchmarkRetention_DropDay(b *testing.B) {
	const days, cameras, each = 5, 50, 5
	rows := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("SIGHTLOG_ROWS")); err == nil {
		rows = n
	}
	p := &past{TB: b, pool: pgtest.Durable(b), reg: prometheus.NewRegistry()}
	p.exec("INSERT INTO cameras (name) SELECT 'cam-' || n FROM generate_series(1, $1::integer) n", cameras)
	p.exec(`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, started_at)
		SELECT id, 'run-' || name, 'stream', 'm', '', 1, 1, 'cpu', $1 FROM cameras`, ago(days))
	for d := 0; d <= days; d++ {
		p.exec("SELECT sightlog_ensure_day($1)", ago(d))
	}
	frames := rows / each / cameras
	for d := 1; d <= days; d++ {
		midnight := ago(d).Truncate(day)
		p.exec(`INSERT INTO sightings SELECT $1::timestamptz + n * $2::float8 * interval '1 s', c, c, n, n, $1, $1, $1, $1, n, 0, 1920, 1080, $3::integer, $3::integer,
				array_fill(0::smallint, ARRAY[$3::integer]), array_fill(n::real, ARRAY[5 * $3::integer]), array_fill(n, ARRAY[$3::integer]), NULL
			FROM generate_series(0, $4::integer - 1) n, generate_series(1, $5::integer) c`, midnight, 86_000/float64(frames), each, frames, cameras)
	}
	p.exec("VACUUM ANALYZE sightings")
	size := p.number("SELECT pg_total_relation_size(to_regclass($1)::oid)", "sightings_"+ago(1).Format("20060102"))
	b.ReportMetric(float64(size)/(1<<20), "MiB-a-day")

	stop, inserted := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var took []time.Duration
		for n := 0; ; n++ {
			select {
			case <-stop:
				inserted <- took
				return
			default:
			}
			began := time.Now()
			_, err := p.pool.Exec(b.Context(), `INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before,
				width, height, people, objects) VALUES ($1, 1, 1, $2, 0, 0, 0, 8, 8, 0, 0)`, noon.Add(time.Duration(n)*time.Microsecond), n)
			if err != nil {
				b.Error(err)
			}
			took = append(took, time.Since(began))
		}
	}()
	s := p.sink(keep(sink.Keep{Sightings: day}))
	var drops []time.Duration
	for d := days; d > 1; d-- {
		began := time.Now()
		require.NoError(b, s.Retain(b.Context(), ago(d).Truncate(day).Add(2*day), noPause))
		drops = append(drops, time.Since(began))
		require.Len(b, p.days(), d)
	}
	close(stop)
	waits := <-inserted
	began := time.Now()
	p.exec(fmt.Sprintf("DELETE FROM sightings_%s", ago(1).Format("20060102")))
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "delete-ms")
	slices.Sort(drops)
	slices.Sort(waits)
	b.ReportMetric(float64(drops[len(drops)/2].Milliseconds()), "round-p50-ms")
	b.ReportMetric(float64(drops[len(drops)-1].Milliseconds()), "round-max-ms")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "insert-p50-ms")
	b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "insert-max-ms")
	b.Log(p.log.String())
}

package timescale

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// side is a table of the rows of sightings, and what it took.
type side struct {
	name, table string
	copied      time.Duration
}

// The rows: five days of 50 cameras, each with walkers whose boxes are as jagged as a detector's.
const (
	tables = `CREATE TABLE made (LIKE sightings);
		CREATE TABLE hyper (LIKE sightings, PRIMARY KEY (camera_id, captured_at, run_id, seq));
		SELECT create_hypertable('hyper', by_range('captured_at', INTERVAL '1 day'), create_default_indexes => false);
		ALTER TABLE hyper SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'camera_id, run_id',
			timescaledb.orderby = 'captured_at, seq');
		INSERT INTO cameras (name) SELECT 'cam-' || n FROM generate_series(1, 50) n;
		INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
			SELECT id, 'r', 'stream', 'm', '', 320, 256, 'cpu' FROM cameras;
		INSERT INTO classes SELECT id, 0, 'person' FROM runs`
	walk = `INSERT INTO made
		SELECT at, c, c, f, f * 1000000, at, at + interval '4 ms', at + interval '30 ms', at + interval '33 ms', f / 20, 0, 1920, 1080, n, n,
		       array_fill(0::smallint, ARRAY[n]),
		       ARRAY(SELECT CASE k WHEN 5 THEN 0.5 + random() / 2
		                           ELSE 100 + 80 * i + 300 * (k % 2) + (f % 600) + 60 * (k / 3) + random() * 4 END::real
		             FROM generate_series(1, n) i, generate_series(1, 5) k ORDER BY i, k),
		       ARRAY(SELECT (f / 600 * 10 + i)::integer FROM generate_series(1, n) i), NULL
		FROM (SELECT date_trunc('day', now(), 'UTC') - interval '5 days' + f * $1::interval + c * interval '1 ms' AS at, c, f,
		             (3 + (f + c) % 4)::integer AS n
		      FROM generate_series(0::bigint, $2::bigint - 1) f, generate_series(1, 50) c) s`
	ofDay = " captured_at >= $1::timestamptz AND captured_at < $1::timestamptz + interval '1 day'"
)

var questions = []struct{ name, sql string }{
	{"hour of a camera", `SELECT count(*), sum(people) FROM %s WHERE camera_id = 7
		AND captured_at >= $1::timestamptz + interval '10 h' AND captured_at < $1::timestamptz + interval '11 h'`},
	{"day of a camera, boxes", "SELECT count(*), avg(b) FROM %s, unnest(boxes) b WHERE camera_id = 7 AND" + ofDay},
	{"day of all, by hour", "SELECT date_trunc('hour', captured_at), avg(people) FROM %s WHERE" + ofDay + " GROUP BY 1"},
	{"newest of a camera", "SELECT seq FROM %s WHERE camera_id = 7 AND" + ofDay + " ORDER BY captured_at DESC LIMIT 1"},
}

// bytesOf are those of a day in the middle, with its indexes.
func (w *world) bytesOf(table string, day time.Time) (n float64) {
	w.Helper()
	sql := "SELECT pg_total_relation_size(to_regclass('sightings_' || to_char($1::timestamptz AT TIME ZONE 'UTC', 'YYYYMMDD')))"
	if table == "hyper" {
		sql = `SELECT sum(total_bytes) FROM chunks_detailed_size('hyper') JOIN timescaledb_information.chunks USING (chunk_name)
			WHERE range_start = $1`
	}
	require.NoError(w, w.pool.QueryRow(w.Context(), sql, day).Scan(&n))
	return n
}

// copySlices copies the rows into both sides, an hour after the other, the sides in turn.
func (w *world) copySlices(sides []*side, first time.Time) (rows int64) {
	w.Helper()
	conn, err := w.pool.Acquire(w.Context())
	require.NoError(w, err)
	defer conn.Release()
	pg := conn.Conn().PgConn()
	for h := range 120 {
		var b bytes.Buffer
		at := first.Add(time.Duration(h) * time.Hour).Format(time.RFC3339)
		_, err := pg.CopyTo(w.Context(), &b, fmt.Sprintf(`COPY (SELECT * FROM made
			WHERE captured_at >= '%[1]s' AND captured_at < '%[1]s'::timestamptz + interval '1 h' ORDER BY captured_at)
			TO STDOUT (FORMAT binary)`, at))
		require.NoError(w, err)
		for i := range sides {
			s := sides[(h+i)%len(sides)]
			began := time.Now()
			tag, err := pg.CopyFrom(w.Context(), bytes.NewReader(b.Bytes()), "COPY "+s.table+" FROM STDIN (FORMAT binary)")
			require.NoError(w, err)
			s.copied += time.Since(began)
			if s.table == "hyper" {
				rows += tag.RowsAffected()
			}
		}
	}
	return rows
}

// ask returns the median of seven times, of each question and side in turn.
func (w *world) ask(sides []*side, day time.Time) (table string) {
	w.Helper()
	for _, q := range questions {
		took := make(map[string][]time.Duration)
		for range 8 {
			for _, s := range sides {
				began := time.Now()
				w.exec(fmt.Sprintf(q.sql, s.table), day)
				took[s.table] = append(took[s.table], time.Since(began))
			}
		}
		for _, s := range sides {
			all := took[s.table][1:] // the first warms the cache
			slices.Sort(all)
			table += fmt.Sprintf("%-24s %-12s %8.2f ms\n", q.name, s.name, float64(all[3].Microseconds())/1000)
		}
	}
	return table
}

// archive is that of docs/timescale.md, of one day.
func (w *world) archive(day time.Time, of float64) string {
	w.Helper()
	w.psql(page(w)[1])
	began := time.Now()
	w.exec("CALL archive.add_day(($1::timestamptz AT TIME ZONE 'UTC')::date)", day)
	added := time.Since(began)
	w.exec("SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('archive.detections') c")
	took := time.Since(began)
	var bytes float64
	require.NoError(w, w.pool.QueryRow(w.Context(), "SELECT sum(total_bytes) FROM chunks_detailed_size('archive.detections')").Scan(&bytes))
	return fmt.Sprintf("%-24s %-12s %8.0f detections/s (%.0f with compression), %.1f bytes a detection\n", "add_day", "archive",
		of/added.Seconds(), of/took.Seconds(), bytes/of)
}

// drop drops three days of each side in turn.
func (w *world) drop(sides []*side, first time.Time) (table string) {
	w.Helper()
	for n := range 3 {
		day := first.AddDate(0, 0, n)
		for _, s := range sides {
			began := time.Now()
			if s.table == "hyper" {
				w.exec("SELECT drop_chunks('hyper', older_than => $1::timestamptz, newer_than => $2::timestamptz)", day.AddDate(0, 0, 1), day)
			} else {
				w.exec("DROP TABLE sightings_" + day.Format("20060102"))
			}
			table += fmt.Sprintf("%-24s %-12s %8.2f ms\n", "drop of a day", s.name, float64(time.Since(began).Microseconds())/1000)
		}
	}
	return table
}

func speed(what, side string, rows, bytes float64) string {
	return fmt.Sprintf("%-24s %-12s %8.0f rows/s, %.1f bytes a detection\n", what, side, rows, bytes)
}

// BenchmarkSightings_PlainAndHypertable compares a day-partitioned sightings with a hypertable of the
// same rows, SIGHTLOG_ROWS detections (default 100,000), on a cluster that syncs to disk. Ask
// for -v: go test shows only ten lines of the figures without.
func BenchmarkSightings_PlainAndHypertable(b *testing.B) {
	w := open(b, pgtest.DurableURL)
	detections := 100_000
	if text := os.Getenv("SIGHTLOG_ROWS"); text != "" {
		var err error
		detections, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	frames := max(120, detections*2/9/50)
	w.exec(tables)
	w.exec(walk, 5*24*time.Hour/time.Duration(frames), frames)
	w.exec("CREATE INDEX ON made USING brin (captured_at)")
	w.exec("SELECT sightlog_ensure_day((now() AT TIME ZONE 'UTC')::date - n) FROM generate_series(0, 5) n")
	first := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -5)
	day := first.AddDate(0, 0, 2)
	plain, hyper := &side{name: "plain", table: "sightings"}, &side{name: "hypertable", table: "hyper"}
	sides := []*side{plain, hyper}
	rows := w.copySlices(sides, first)
	var of float64 // detections of the day
	require.NoError(b, w.pool.QueryRow(b.Context(), "SELECT sum(objects) FROM made WHERE"+ofDay, day).Scan(&of))
	w.exec("VACUUM ANALYZE sightings")
	w.exec("VACUUM ANALYZE hyper")
	report := "\n"
	for _, s := range sides {
		report += speed("COPY", s.name, float64(rows)/s.copied.Seconds(), w.bytesOf(s.table, day)/of)
	}
	report += w.ask(sides, day)

	began := time.Now()
	w.exec("SELECT compress_chunk(c) FROM show_chunks('hyper') c")
	took := time.Since(began)
	hyper.name = "compressed"
	w.exec("VACUUM ANALYZE hyper")
	report += speed("compression", hyper.name, float64(rows)/took.Seconds(), w.bytesOf("hyper", day)/of)
	report += w.ask(sides, day)
	report += w.archive(day, of)
	report += w.drop(sides, first)
	b.Logf("%d rows, %.0f detections in a day%s", rows, of, report)
}

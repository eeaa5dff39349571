package sink_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// BenchmarkWays compares ways to bring detections into their table, each batch
// a transaction on one connection: arrays in one INSERT … SELECT unnest (what
// the sink does: one round trip, casts on the server, ON CONFLICT), COPY
// straight into the table (no ON CONFLICT: a replay would fail), and COPY into
// a temporary table with INSERT … ON CONFLICT from there.
func BenchmarkWays(b *testing.B) {
	const insert = `INSERT INTO detections (captured_at, camera_id, run_id, seq, object_index, class_id, score, x1, y1, x2, y2, track_id) `
	const unnest = insert + `SELECT * FROM unnest($1::timestamptz[], $2::integer[], $3::integer[], $4::bigint[], $5::integer[], $6::bigint[],
		$7::real[], $8::real[], $9::real[], $10::real[], $11::real[], $12::bigint[]) ON CONFLICT DO NOTHING`
	columns := []string{"captured_at", "camera_id", "run_id", "seq", "object_index", "class_id", "score", "x1", "y1", "x2", "y2", "track_id"}

	// Six objects a frame, frames 40 ms apart.
	row := func(n int) []any {
		at := origin.Add(time.Duration(n/6) * 40 * time.Millisecond)
		return []any{at, int32(1), int32(1), int64(n / 6), int16(n % 6), int32(0), float32(.5), float32(1), float32(2), float32(3), float32(4), int64(7)}
	}
	ways := map[string]func(*pgx.Conn, int, int) error{
		"unnest": func(conn *pgx.Conn, from, size int) error {
			at := make([]time.Time, size)
			i32 := make([]int32, size)
			seq, big := make([]int64, size), make([]int64, size)
			index := make([]int32, size)
			f := make([]float32, size)
			for i := range size {
				r := row(from + i)
				at[i], seq[i], index[i] = r[0].(time.Time), r[3].(int64), int32(r[4].(int16))
				i32[i], big[i], f[i] = 1, 7, .5
			}
			_, err := conn.Exec(b.Context(), unnest, at, i32, i32, seq, index, big, f, f, f, f, f, big)
			return err
		},
		"copy": func(conn *pgx.Conn, from, size int) error {
			_, err := conn.CopyFrom(b.Context(), pgx.Identifier{"detections"}, columns,
				pgx.CopyFromSlice(size, func(i int) ([]any, error) { return row(from + i), nil }))
			return err
		},
		"copy-temp": func(conn *pgx.Conn, from, size int) error {
			return pgx.BeginFunc(b.Context(), conn, func(tx pgx.Tx) error {
				if _, err := tx.CopyFrom(b.Context(), pgx.Identifier{"incoming"}, columns,
					pgx.CopyFromSlice(size, func(i int) ([]any, error) { return row(from + i), nil })); err != nil {
					return err
				}
				if _, err := tx.Exec(b.Context(), insert+"SELECT "+"captured_at, camera_id, run_id, seq, object_index, class_id, score, x1, y1, x2, y2, track_id FROM incoming ON CONFLICT DO NOTHING"); err != nil {
					return err
				}
				_, err := tx.Exec(b.Context(), "TRUNCATE incoming")
				return err
			})
		},
	}
	for _, size := range []int{6, 60, 6000} {
		for _, name := range []string{"unnest", "copy", "copy-temp"} {
			b.Run(fmt.Sprintf("%s/rows=%d", name, size), func(b *testing.B) {
				pool := pgtest.Durable(b)
				_, err := pool.Exec(b.Context(), "SELECT sightlog_ensure_day(d::date) FROM generate_series(now(), now() + '3 days', '1 day') d")
				require.NoError(b, err)
				conn, err := pool.Acquire(b.Context())
				require.NoError(b, err)
				defer conn.Release()
				_, err = conn.Exec(b.Context(), "CREATE TEMP TABLE incoming (LIKE detections)")
				require.NoError(b, err)
				n := 0
				for b.Loop() {
					require.NoError(b, ways[name](conn.Conn(), n, size))
					n += size
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

package migrations_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/migrations"
)

// fill has rows of every kind, as the sinks of schema 1 wrote them: two days and one
// without a partition, frames with no, one and several detections, tracked or not.
const fill = `
INSERT INTO cameras (name) VALUES ('porch'), ('yard');
INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
VALUES (1, 'r1', 'file', 'm', 'abc', 416, 320, 'cpu'), (2, 'r2', 'rtsp', 'm', 'abc', 416, 320, 'cpu');
INSERT INTO classes VALUES (1, 0, 'person'), (1, 16, 'dog'), (2, 0, 'person');
SELECT sightlog_ensure_day('2026-05-01'), sightlog_ensure_day('2026-05-02');
INSERT INTO sightings
SELECT at, c, c, n, n * 250000, at, at + interval '1 ms', NULL, NULL, 1, n % 2, 768, 576, n % 3, n % 3
FROM generate_series(0, 399) n, generate_series(1, 2) c, LATERAL (SELECT '2026-05-01 23:59:00+00'::timestamptz + n * interval '250 ms' AS at) a;
INSERT INTO sightings VALUES ('1999-01-01 00:00+00', 1, 1, 400, 0, NULL, NULL, NULL, NULL, 1, 0, 768, 576, 1, 1);
INSERT INTO detections (captured_at, camera_id, run_id, seq, track_id, object_index, class_id, score, x1, y1, x2, y2)
SELECT captured_at, camera_id, run_id, seq, CASE WHEN i = 0 AND camera_id = 1 THEN 7 END, i, CASE WHEN i = 1 AND camera_id = 1 THEN 16 ELSE 0 END,
       0.9 - i / 10.0, seq + 0.25, i, seq + 10, i + 20.5
FROM sightings, LATERAL generate_series(0, objects - 1) i;
INSERT INTO batches VALUES (1, '2026-05-01 12:00+00', '2026-05-01 12:00+00', 801);
INSERT INTO sink_offsets (cluster_id, topic_id, partition, topic, next) VALUES ('c', gen_random_uuid(), 0, 'sightings', 801);`

// fillZones adds what schema 2 has.
const fillZones = `
UPDATE detections SET zones = CASE WHEN seq % 4 = 1 THEN '{door}'::text[] ELSE '{door,"the yard"}' END WHERE seq % 5 > 0;
INSERT INTO crossings SELECT captured_at, camera_id, run_id, seq, 'gate', 7, 'in', 0, 'person' FROM sightings WHERE seq % 50 = 0;`

// A database of each earlier schema, with rows, has the same rows afterwards, and the
// totals of them.
func TestUp_FilledDatabaseOfEachEarlierSchema_KeepsItsRows(t *testing.T) {
	t.Parallel()
	for from := 1; from < files(t); from++ {
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t, "")
			pool := pgtest.Pool(t, url)
			schema(t, pool, 0, min(from, 2))
			exec(t, pool, fill)
			if from >= 2 {
				exec(t, pool, fillZones)
			}
			schema(t, pool, min(from, 2), from) // what it copies is older
			// Of published tables without a primary key no row could be changed.
			pgtest.As(t, url, "", "CREATE PUBLICATION everything FOR ALL TABLES")
			queries := []string{
				"SELECT " + columns(t, pool, "v_sightings") + " FROM v_sightings ORDER BY camera, captured_at",
				"SELECT captured_at, camera, run, seq, object_index, label, class_id, score, x1, y1, x2, y2, track_id, model FROM v_detections ORDER BY 2, 1, 5",
				"SELECT captured_at, camera_id, run_id, seq, track_id, object_index, class_id, score, x1, y1, x2, y2 FROM detections ORDER BY 2, 1, 6",
				"SELECT " + columns(t, pool, "runs") + " FROM runs ORDER BY id", "SELECT cluster_id, topic_id, partition, topic, next FROM sink_offsets",
				"SELECT " + columns(t, pool, "batches") + " FROM batches", "SELECT " + columns(t, pool, "classes") + " FROM classes",
			}
			if from >= 2 {
				queries = append(queries, "SELECT camera, captured_at, object_index, zones FROM v_detections ORDER BY 1, 2, 3",
					"SELECT "+columns(t, pool, "v_crossings")+" FROM v_crossings ORDER BY camera, captured_at")
			}
			before := text(t, pool, queries)
			var log bytes.Buffer
			require.NoError(t, migrations.Up(t.Context(), pool, slog.New(slog.NewTextHandler(&log, nil))))
			if from < copies {
				require.Contains(t, log.String(), "sightings=801", "how much there is to copy")
			}
			require.Equal(t, before, text(t, pool, queries))

			require.Equal(t, []string{"[porch 401 400 60]", "[yard 400 399 60]", "[7 1 267 202]", "[1 1]"}, text(t, pool, []string{
				"SELECT camera, sum(frames)::bigint, sum(detections)::bigint, max(seconds) FROM v_minutes GROUP BY 1 ORDER BY 1",
				"SELECT track_id, count(*), min(frames), max(cardinality(path)) FROM v_tracks GROUP BY 1",
				"SELECT count(*), sum(objects)::bigint FROM sightings_default",
			}))
			require.Equal(t, []string{"[399]", "[399]"}, text(t, pool, []string{"SELECT seq FROM latest_sightings ORDER BY 1"}))
		})
	}
}

// copies is the migration that copies the tables.
const copies = 5

// columns returns the columns of a table or view, as they are now: a later schema may
// have more.
func columns(t *testing.T, pool *pgxpool.Pool, table string) (list string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`, table).Scan(&list))
	return list
}

// schema migrates a database from an earlier schema, 0 for an empty database, to another.
func schema(t *testing.T, pool *pgxpool.Pool, from, to int) {
	t.Helper()
	names, err := migrations.Files.ReadDir(".")
	require.NoError(t, err)
	if from == 0 {
		exec(t, pool, "CREATE TABLE sightlog_version (version integer NOT NULL)")
		exec(t, pool, "INSERT INTO sightlog_version VALUES (0)")
	}
	for _, f := range names[from:to] {
		b, err := migrations.Files.ReadFile(f.Name())
		require.NoError(t, err)
		up, _, _ := strings.Cut(string(b), "---- create above / drop below ----")
		exec(t, pool, up)
	}
	exec(t, pool, fmt.Sprintf("UPDATE sightlog_version SET version = %d", to))
}

// text returns the rows of queries.
func text(t testing.TB, pool *pgxpool.Pool, queries []string) (lines []string) {
	t.Helper()
	for _, sql := range queries {
		rows, err := pool.Query(t.Context(), sql)
		require.NoError(t, err, sql)
		for rows.Next() {
			v, err := rows.Values()
			require.NoError(t, err)
			lines = append(lines, fmt.Sprint(v))
		}
		require.NoError(t, rows.Err(), sql)
	}
	return lines
}

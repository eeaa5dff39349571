package query_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// seen makes two cameras: porch with 90 frames in two minutes, one a second
// from 12:00:30, each with seq % 4 people; yard with one frame. Each frame
// takes 1, 10, 1, 2 and seq+1 milliseconds through the stages.
func seen(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('porch'), ('yard')",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
		 SELECT id, 'run-' || name, 'file', 'm', '', 1, 1, 'cpu' FROM cameras`,
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects,
			grabbed_at, decoded_at, inferred_at, produced_at)
		 SELECT at, 1, 1, n, 0, n, 0, 8, 8, n % 4, n % 4 + 1, at, at + '1 ms', at + '11 ms', at + '12 ms'
		 FROM (SELECT n, '2026-05-01 12:00:30+00'::timestamptz + n * interval '1 s' AS at FROM generate_series(0, 89) n) x`,
		`INSERT INTO batches SELECT n, at + '14 ms', at + '14 ms' + (n + 1) * interval '1 ms', 1
		 FROM (SELECT n, '2026-05-01 12:00:30+00'::timestamptz + n * interval '1 s' AS at FROM generate_series(0, 89) n) x`,
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
		 VALUES ('2026-05-01 11:00:00.25+00', 2, 2, 0, 0, 1000, 0, 8, 8, 0, 0)`,
		"SELECT sightlog_rebuild()",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	return pool
}

func report(name string, f query.Filter) query.Question {
	i := slices.IndexFunc(query.Reports, func(r query.Report) bool { return r.Name == name })
	return query.Reports[i].Question(f)
}

// A report is one entry of a list, which promises the columns that the answer has.
func TestReports_Columns_AreThoseOfTheAnswer(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	for _, r := range query.Reports {
		require.Equal(t, strings.Join(r.Columns, ",")+"\n", header(answer(t, pool, r.Question(query.Filter{}), "csv")), r.Name)
		if r.OverTime != nil {
			require.Equal(t, strings.Join(r.OverTime.Columns, ",")+"\n", header(answer(t, pool, r.Question(query.Filter{Bucket: r.OverTime.Bucket}), "csv")), r.Name)
		}
	}
}

func header(csv string) string { return csv[:strings.Index(csv, "\n")+1] }

func answer(t *testing.T, pool *pgxpool.Pool, q query.Question, format string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, q.Answer(t.Context(), pool, &b, format))
	return b.String()
}

// refused is the error of a question that gets no answer, nor a part of one.
func refused(t *testing.T, pool *pgxpool.Pool, q query.Question) error {
	t.Helper()
	var b bytes.Buffer
	err := q.Answer(t.Context(), pool, &b, "csv")
	require.Error(t, err)
	require.Empty(t, b.String())
	return err
}

func TestReports_Latest_NewestOfEachCamera(t *testing.T) {
	t.Parallel()
	require.Equal(t, `[
  {"camera": "porch", "run": "run-porch", "seq": 89, "captured_at": "2026-05-01T12:01:59Z", "people": 1, "detections": 2, "model": "m", "up_to": "2026-05-01T12:01:59Z"},
  {"camera": "yard", "run": "run-yard", "seq": 0, "captured_at": "2026-05-01T11:00:00.25Z", "people": 0, "detections": 0, "model": "m", "up_to": "2026-05-01T11:00:00.25Z"}
]
`, answer(t, seen(t), report("latest", query.Filter{}), "json"))
}

func TestReports_Latency_OfEachStage(t *testing.T) {
	t.Parallel()
	require.Equal(t, `stage,n,p50_ms,p95_ms,p99_ms,max_ms
decode,90,1.000,1.000,1.000,1.000
infer,90,10.000,10.000,10.000,10.000
produce,90,1.000,1.000,1.000,1.000
fetch,90,2.000,2.000,2.000,2.000
commit,90,45.000,86.000,90.000,90.000
end_to_end,90,59.000,100.000,104.000,104.000
`, answer(t, seen(t), report("latency", query.Filter{}), "csv"))
}

func TestRecentStages_Since_OnlyFramesGrabbedSince(t *testing.T) {
	t.Parallel()
	pool := seen(t)
	stages, err := query.RecentStages(t.Context(), pool, time.Date(2026, 5, 1, 12, 1, 58, 0, time.UTC))
	require.NoError(t, err)
	require.Len(t, stages, 6)
	require.Equal(t, query.Stage{Name: "end_to_end", N: 2, P50: 103, P95: 104, P99: 104, Max: 104}, stages[5])
	stages, err = query.RecentStages(t.Context(), pool, time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Empty(t, stages)
}

func TestReports_EmptyDatabase_NoRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	for _, r := range query.Reports {
		if r.Name != "latency" {
			require.Equal(t, "[]\n", answer(t, pool, r.Question(query.Filter{}), "json"), r.Name)
			require.Equal(t, "[]\n", answer(t, pool, r.Question(query.Filter{Since: time.Now().Add(-time.Hour), Bucket: "1h"}), "json"), r.Name)
		}
	}
	require.Equal(t, `stage,n,p50_ms,p95_ms,p99_ms,max_ms
decode,0,,,,
infer,0,,,,
produce,0,,,,
fetch,0,,,,
commit,0,,,,
end_to_end,0,,,,
`, answer(t, pool, report("latency", query.Filter{}), "csv"))
}

func TestReports_Filters_NarrowEach(t *testing.T) {
	t.Parallel()
	pool := seen(t)
	minute := time.Date(2026, 5, 1, 12, 1, 0, 0, time.UTC)
	f := query.Filter{Camera: "porch", Run: "run-porch", Since: minute, Until: minute.Add(30 * time.Second)}
	require.Equal(t, "camera,minute,frames,detections,max_people,avg_people,seconds,coverage,dropped\nporch,2026-05-01T12:01:00Z,60,150,3,1.50,60,1.000,0\n",
		answer(t, pool, report("people", f), "csv"), "minutes are whole")
	require.Equal(t, "camera,run,seq,captured_at,people,detections,model,up_to\nporch,run-porch,59,2026-05-01T12:01:29Z,3,4,m,2026-05-01T12:01:59Z\n",
		answer(t, pool, report("latest", f), "csv"))
	require.Contains(t, answer(t, pool, report("latency", f), "csv"), "\ndecode,30,")
}

func TestReports_UnknownCameraOrRun_KnownOnesNamed(t *testing.T) {
	t.Parallel()
	pool := seen(t)
	err := refused(t, pool, report("people", query.Filter{Camera: "poarch"}))
	require.True(t, usage.Is(err))
	require.EqualError(t, err, `--camera "poarch" is not in the database; there is porch, yard`)
	err = refused(t, pool, report("latest", query.Filter{Run: "r"}))
	require.EqualError(t, err, `--run "r" is not in the database; there is run-yard, run-porch`)
}

func TestSQL_Values_KeepTheirTypes(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	q := query.SQL(`SELECT 1 AS i, 1.50 AS n, 'NaN'::float8 AS nan, true AS b, NULL AS nothing,
		'{"a": [1]}'::jsonb AS j, '2026-05-01 12:00:00.5+02'::timestamptz AS at, '2026-05-01'::date AS d, E'a"b\tc' AS s, ARRAY[1,2] AS a`)
	out := answer(t, pool, q, "json")
	require.Equal(t, `[
  {"i": 1, "n": 1.50, "nan": "NaN", "b": true, "nothing": null, "j": {"a":[1]}, "at": "2026-05-01T10:00:00.5Z", "d": "2026-05-01", "s": "a\"b\tc", "a": "{1,2}"}
]
`, out)
	require.True(t, json.Valid([]byte(out)))
	rows, err := csv.NewReader(strings.NewReader(answer(t, pool, q, "csv"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "a\"b\tc", rows[1][8])
	require.Contains(t, answer(t, pool, q, "table"), `a"b\tc`)
}

func TestSQL_Wrong_OneLine(t *testing.T) {
	t.Parallel()
	pool := seen(t)
	for sql, want := range map[string]string{
		"":                                 "the SQL is empty; write a SELECT",
		"SELEKT 1":                         `SQL: line 1, column 1: a statement that begins with "SELEKT"; only queries are run here, which begin with SELECT,`,
		"SELECT 1,\n  nonsense\nFROM runs": `SQL: line 2, column 3: column "nonsense" does not exist`,
		"SELECT * FROM peple":              `SQL: line 1, column 15: relation "peple" does not exist; the views are`,
		"SELECT 1/0":                       "SQL: division by zero",
		"DELETE FROM sightings":            `a statement that begins with "DELETE"; only queries`,
		"WITH x AS (DELETE FROM sightings RETURNING 1) SELECT 1": "SQL: cannot execute SELECT in a read-only transaction; only queries",
		"SELECT 1; DROP TABLE sightings":                         "SQL: cannot insert multiple commands into a prepared statement; give one statement",
		"COPY sightings TO PROGRAM 'true'":                       `a statement that begins with "COPY"`,
		" /* SELECT /* */ */ -- SELECT\n DO $$ BEGIN END $$":     `SQL: line 2, column 2: a statement that begins with "DO"`,
		"/* SELECT 1":                           "the SQL is empty",
		"*":                                     `a statement that begins with "*"`,
		"SELECT (SELECT generate_series(1, 2))": "SQL: more than one row returned by a subquery",
		"SELECT '\xff'":                         "SQL: ",
	} {
		err := refused(t, pool, query.SQL(sql))
		require.True(t, usage.Is(err), "%s: %v", sql, err)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM sightings").Scan(&n))
	require.Equal(t, 91, n)
}

func TestSQL_StatementEndsTheTransaction_ChangesNothing(t *testing.T) {
	t.Parallel()
	pool := seen(t)
	for _, sql := range []string{"COMMIT", "ROLLBACK", "SET TRANSACTION READ WRITE", "SET default_transaction_read_only = off",
		"SELECT set_config('transaction_read_only', 'off', true)", "SELECT set_config('default_transaction_read_only', 'off', false)"} {
		_ = query.SQL(sql).Answer(t.Context(), pool, io.Discard, "csv") // allowed or not, what counts is what follows
	}
	err := refused(t, pool, query.SQL("WITH x AS (DELETE FROM sightings RETURNING 1) SELECT 1"))
	require.True(t, usage.Is(err))
	require.Equal(t, "n\n91\n", answer(t, pool, query.SQL("SELECT count(*) AS n FROM sightings"), "csv"))
}

func TestFormat_Unknown_UsageError(t *testing.T) {
	t.Parallel()
	err := new(query.Table).Write(new(bytes.Buffer), "xml")
	require.True(t, usage.Is(err))
	require.EqualError(t, err, `--format "xml" is not known; use table, csv, json, parquet`)
	require.Equal(t, err, query.SQL("SELECT 1").Answer(t.Context(), nil, io.Discard, "xml"), "before the database is asked")
}

// A server of one's own compiles statements that look expensive: a second for an answer of milliseconds.
func TestQuestion_ServerThatCompiles_DoesNotHere(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.URL(t)+"&jit=on")
	require.Equal(t, []string{"on"}, pgtest.Lines(t, pool, "SHOW jit"))
	require.Equal(t, "jit\noff\n", answer(t, pool, query.SQL("SHOW jit"), "csv"))
}

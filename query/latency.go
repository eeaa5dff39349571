package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// latencies has one row a stage, in the order of the data. Percentiles are times that
// were measured, not means of two.
const latencies = `
WITH ms AS (
    SELECT 1000 * date_part('epoch', s.decoded_at - s.grabbed_at) AS a, 1000 * date_part('epoch', s.inferred_at - s.decoded_at) AS b,
           1000 * date_part('epoch', s.produced_at - s.inferred_at) AS c, 1000 * date_part('epoch', b.fetched_at - s.produced_at) AS d,
           1000 * date_part('epoch', b.committed_at - b.fetched_at) AS e, 1000 * date_part('epoch', b.committed_at - s.grabbed_at) AS f
    FROM sightings s LEFT JOIN batches b USING (batch_id) WHERE {where}
), p AS (
    SELECT count(a) AS na, percentile_disc('{.5,.95,.99,1}'::float8[]) WITHIN GROUP (ORDER BY a) AS a,
           count(b) AS nb, percentile_disc('{.5,.95,.99,1}'::float8[]) WITHIN GROUP (ORDER BY b) AS b,
           count(c) AS nc, percentile_disc('{.5,.95,.99,1}'::float8[]) WITHIN GROUP (ORDER BY c) AS c,
           count(d) AS nd, percentile_disc('{.5,.95,.99,1}'::float8[]) WITHIN GROUP (ORDER BY d) AS d,
           count(e) AS ne, percentile_disc('{.5,.95,.99,1}'::float8[]) WITHIN GROUP (ORDER BY e) AS e,
           count(f) AS nf, percentile_disc('{.5,.95,.99,1}'::float8[]) WITHIN GROUP (ORDER BY f) AS f
    FROM ms
)
SELECT v.stage, v.n, round(v.p[1]::numeric, 3) AS p50_ms, round(v.p[2]::numeric, 3) AS p95_ms,
       round(v.p[3]::numeric, 3) AS p99_ms, round(v.p[4]::numeric, 3) AS max_ms
FROM p CROSS JOIN LATERAL (VALUES
    ('decode', p.na, p.a), ('infer', p.nb, p.b), ('produce', p.nc, p.c),
    ('fetch', p.nd, p.d), ('commit', p.ne, p.e), ('end_to_end', p.nf, p.f)) AS v(stage, n, p)`

var latency = Report{
	Name:    "latency",
	Help:    "How long each stage took, grabbed to committed.",
	Details: "The stages are decode (grabbed to decoded), infer, produce (until the record is handed to the log), fetch (until a sink has it), commit, and end_to_end (grabbed to commit acknowledged, which is when other sessions see the row). n is the number of sightings that have both times.",
	Flags:   span,
	Columns: []string{"stage", "n", "p50_ms", "p95_ms", "p99_ms", "max_ms"},
	sql: func(s *statement) string {
		return strings.ReplaceAll(latencies, "{where}", s.in("captured_at").String())
	},
}

// Stage is a row of the report latency, in milliseconds.
type Stage struct {
	Name string  `json:"stage"`
	N    int64   `json:"n"`
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
	P99  float64 `json:"p99_ms"`
	Max  float64 `json:"max_ms"`
}

// RecentStages returns the latencies of the sightings grabbed and captured at a time or after
// it: of cameras, and of files that are played as recorded. That they are captured then spares
// the days before. A stage for which no sighting has both times is left out.
func RecentStages(ctx context.Context, db *pgxpool.Pool, since time.Time) ([]Stage, error) {
	sql := strings.ReplaceAll(latencies, "{where}", "s.grabbed_at >= $1 AND s.captured_at >= $1")
	rows, err := db.Query(ctx, "SELECT * FROM ("+sql+") v WHERE n > 0", since)
	if err != nil {
		return nil, fmt.Errorf("read latencies: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Stage])
	if err != nil {
		return nil, fmt.Errorf("read latencies: %w", err)
	}
	return all, nil
}

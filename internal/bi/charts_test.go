package bi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/query"
)

// chart is a row of the page's table.
type chart struct {
	name, dataset, time, metric string
	by                          []string
}

// page is docs/bi.md.
type page struct {
	role     string // statements that make it
	charts   []chart
	datasets map[string]string // those that are queries
}

func read(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile(testenv.Root() + "/docs/bi.md")
	require.NoError(t, err)
	p := page{datasets: make(map[string]string)}
	_, rest, found := strings.Cut(string(text), "```sql\n")
	require.True(t, found)
	p.role, _, _ = strings.Cut(rest, "```")
	row := regexp.MustCompile("(?m)^\\| ([^|]+) \\| `([^`]+)`[^|]* \\| ([^|]+) \\| `([^|]+)` \\| (.+) \\|$")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		c := chart{name: m[1], dataset: m[2], metric: m[4], by: strings.Split(strings.ReplaceAll(m[5], "`", ""), ", ")}
		if m[3] != "none" {
			c.time = strings.Trim(m[3], "`")
		}
		p.charts = append(p.charts, c)
	}
	for _, m := range regexp.MustCompile("\n\n`([a-z ]+)`[^`]* [^#]+?\n\n```sql\n([^;]+);\n```").FindAllStringSubmatch(string(text), -1) {
		p.datasets[m[1]] = m[2]
	}
	require.Len(t, p.datasets, 4)
	require.Equal(t, "inside of places", p.charts[len(p.charts)-1].name, "the last row")
	return p
}

// until is the end of what the charts show; in local time, that is two hours earlier.
var until = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)

// fill stores three hours of a camera, half of them with nobody in the zone, half an hour of
// another, and a crossing of an hour ago.
func fill(t *testing.T) (url string, pool *pgxpool.Pool) {
	t.Helper()
	url = pgtest.URL(t)
	pool = pgtest.Pool(t, url)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO cameras (name) VALUES ('door'), ('yard');
		INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, frame_width, frame_height)
			SELECT id, 'r', 'file', 'm', '', 320, 256, 'cpu', 768, 768 FROM cameras;
		INSERT INTO classes VALUES (1, 0, 'person'), (2, 0, 'person');
		INSERT INTO definitions (camera_id, run_id, kind, name, points) VALUES
			(1, 1, 'zone', 'mat', '{0,0,1,0,1,1}'), (1, 1, 'line', 'gate', '{0,0,1,1}');
		INSERT INTO places (name, reset_at, tz, label) VALUES ('hall', (now() AT TIME ZONE 'UTC' - interval '2 h')::time, 'UTC', 'person');
		INSERT INTO place_lines VALUES (1, 'door', 'gate', false);
		INSERT INTO batches VALUES (1, '2026-05-01T10:00:00Z', '2026-05-01T10:00:00Z', 1);
		INSERT INTO sightings SELECT '2026-05-01T07:15Z'::timestamptz + n * interval '2 s', 1, 1, n, 0, NULL, NULL, NULL, NULL, 1, 0, 768, 768,
			n / 30 % 4, n / 30 % 4 FROM generate_series(0, 5399) n;
		INSERT INTO sightings SELECT '2026-05-01T07:30Z'::timestamptz + n * interval '2 s', 2, 2, n, 0, NULL, NULL, NULL, NULL, 1, 0, 768, 768,
			n % 2, n % 2 FROM generate_series(0, 899) n;
		INSERT INTO crossings SELECT '2026-05-01T07:20Z'::timestamptz + n * interval '100 s', 1, 1, n, 'gate', n,
			CASE n % 3 WHEN 0 THEN 'in' ELSE 'out' END, 0, 'person' FROM generate_series(0, 60) n;
		INSERT INTO crossings VALUES (now() - interval '1 h', 1, 1, 9000, 'gate', 9000, 'in', 0, 'person')`)
	require.NoError(t, err)
	pgtest.AddDetections(t, pool, `SELECT captured_at, camera_id, run_id, seq, seq / 50 * 4 + i, i, 0, 0.9,
		100 + i * 150, 100, 140 + i * 150 + seq % 50, 300 + i * 100, CASE WHEN seq / 300 % 2 = 0 AND camera_id = 1 THEN '{mat}' END
		FROM sightings, LATERAL generate_series(0, objects - 1) i`)
	return url, pool
}

// values are a chart's, each under its time (in milliseconds, if there is one) and what it is by.
type values map[string]float64

func key(parts ...any) string { return fmt.Sprintln(parts...) }

// same requires the values of sightlog query, which rounds some.
func same(t *testing.T, c chart, want, got values, digits int) {
	t.Helper()
	require.NotEmpty(t, want, c.name)
	require.Len(t, got, len(want), "%s: %v", c.name, got)
	for k, v := range want {
		require.Contains(t, got, k, c.name)
		require.InDelta(t, v, got[k], 0.5*math.Pow10(-digits)+1e-9, "%s: %s", c.name, k)
	}
}

// answer is what sightlog query says for a chart.
func answer(t *testing.T, pool *pgxpool.Pool, c chart) (want values, digits int) {
	t.Helper()
	want = make(values)
	hour := query.Filter{Until: until, Bucket: "1h"}
	ask := func(report string, f query.Filter, use func(at any, row map[string]any)) {
		i := slices.IndexFunc(query.Reports, func(r query.Report) bool { return r.Name == report })
		var out bytes.Buffer
		require.NoError(t, query.Reports[i].Question(f).Answer(t.Context(), pool, &out, "json"))
		var rows []map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &rows))
		for _, row := range rows {
			if row["frames"] == 0.0 || row["n"] == 0.0 {
				continue // the hours between, and a camera without a detection
			}
			var at any
			for _, unit := range []string{"hour", "day"} {
				if s, ok := row[unit].(string); ok {
					begin, err := time.Parse(time.RFC3339, s)
					require.NoError(t, err)
					_, offset := begin.Zone()
					at = begin.UnixMilli() + int64(offset)*1000 // local time, as if it were UTC's
				}
			}
			use(at, row)
		}
	}
	column := func(name string, by ...string) func(at any, row map[string]any) {
		return func(at any, row map[string]any) {
			parts := []any{at}
			for _, b := range by {
				parts = append(parts, row[b])
			}
			want[key(parts...)] = row[name].(float64)
		}
	}
	switch c.name {
	case "people":
		ask("people", hour, column("avg_people", "camera"))
		return want, 2
	case "most people":
		ask("people", hour, column("max_people", "camera"))
	case "coverage, with the grain an hour":
		ask("people", hour, column("coverage", "camera"))
		return want, 3
	case "people in zones":
		hour.Zone = "mat"
		ask("people", hour, func(at any, row map[string]any) { want[key(at, row["camera"], "mat")] = row["avg_people"].(float64) })
		return want, 2
	case "crossings":
		ask("crossings", hour, func(at any, row map[string]any) {
			for _, direction := range []string{"in", "out"} {
				if n := row[direction].(float64); n > 0 {
					want[key(at, row["camera"], row["line"], direction)] = n
				}
			}
		})
	case "median stay, in seconds":
		ask("dwell", hour, column("median_s", "camera", "zone"))
		return want, 3
	case "heat map":
		hour.Bucket, hour.Grid = "", 16 // cells of 48 pixels
		ask("heatmap", hour, func(_ any, row map[string]any) { want[key(row["x"], row["y"])] += row["n"].(float64) })
	case "people by local days":
		hour.Bucket, hour.TZ, hour.Until = "1d", "Europe/Berlin", until.Add(-2*time.Hour)
		ask("people", hour, column("avg_people", "camera"))
		return want, 2
	case "inside of places":
		ask("balance", query.Filter{}, func(_ any, row map[string]any) { want[key(row["place"])] = row["inside"].(float64) })
	default:
		t.Fatalf("no report for the chart %q", c.name)
	}
	return want, 0
}

// grain is that of a chart over time, or empty.
func (c chart) grain() string {
	switch {
	case c.time == "" || c.name == "heat map":
		return ""
	case strings.Contains(c.name, "days"):
		return "day"
	}
	return "hour"
}

func TestCharts_BySQL_NumbersOfSightlogQuery(t *testing.T) {
	t.Parallel()
	p := read(t)
	url, pool := fill(t)
	conn, err := pgx.Connect(t.Context(), role(t, p, url))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	for _, c := range p.charts {
		columns, where := strings.Join(c.by, ", "), ""
		if c.time != "" {
			where = fmt.Sprintf(" WHERE %s < '%s'", c.time, until.Format(time.RFC3339))
		}
		if c.grain() != "" {
			columns = fmt.Sprintf("extract(epoch FROM date_trunc('%s', %s))::bigint * 1000, ", c.grain(), c.time) + columns
		}
		from := c.dataset
		if sql := p.datasets[from]; sql != "" {
			from = "(" + sql + ") d"
		}
		rows, err := conn.Query(t.Context(), "SELECT "+columns+", ("+c.metric+")::double precision FROM "+from+where+" GROUP BY "+columns)
		require.NoError(t, err, c.name)
		got := make(values)
		for rows.Next() {
			row, err := rows.Values()
			require.NoError(t, err)
			got[key(row[:len(row)-1]...)] = row[len(row)-1].(float64)
		}
		require.NoError(t, rows.Err(), c.name)
		want, digits := answer(t, pool, c)
		same(t, c, want, got, digits)
	}
	_, err = conn.Exec(t.Context(), "SELECT * FROM v_snapshots")
	require.ErrorContains(t, err, "permission denied")
}

// role makes the page's and returns its address.
func role(t *testing.T, p page, url string) string {
	t.Helper()
	first, rest, found := strings.Cut(p.role, "\n")
	require.True(t, found)
	options, found := strings.CutPrefix(first, "CREATE ROLE board LOGIN ")
	require.True(t, found)
	rest = strings.NewReplacer("ALTER ROLE board", "ALTER USER ROLE", "board", "ROLE").Replace(rest)
	return pgtest.As(t, url, strings.TrimSuffix(options, ";"), rest)
}

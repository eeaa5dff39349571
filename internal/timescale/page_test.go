package timescale

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// world is a database with TimescaleDB.
type world struct {
	testing.TB
	url   string
	pool  *pgxpool.Pool
	today time.Time // of when days was called
}

// open skips where the clusters of tests have no TimescaleDB. url makes the database.
func open(t testing.TB, url func(testing.TB) string) *world {
	t.Helper()
	if os.Getenv(pgtest.ExtensionEnv) != "timescaledb" {
		t.Skip("make test-timescale builds TimescaleDB and runs this on it")
	}
	w := &world{TB: t, url: url(t)}
	w.pool = pgtest.Pool(t, w.url)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), sql, args...)
	require.NoError(w, err, sql)
}

func (w *world) lines(sql string) []string {
	w.Helper()
	return pgtest.Lines(w, w.pool, sql)
}

// psql runs a text as a user does, statement by statement.
func (w *world) psql(sql string) string {
	w.Helper()
	program, err := exec.LookPath("psql")
	if err != nil {
		testenv.Skip(w, "psql is not installed")
	}
	cmd := exec.CommandContext(w.Context(), program, w.url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-")
	cmd.Stdin = strings.NewReader(sql)
	out, err := cmd.CombinedOutput()
	require.NoError(w, err, "%s", out)
	return string(out)
}

// page returns the SQL of docs/timescale.md, block by block.
func page(t testing.TB) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(testenv.Root() + "/docs/timescale.md")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	require.Len(t, blocks, 3)
	return blocks
}

// days stores a frame a minute of a camera, with two people, of the four days before yesterday,
// and a frame of today. Nothing is of yesterday: what is archived stays the same past midnight.
func (w *world) days() {
	w.Helper()
	w.today = time.Now().UTC().Truncate(24 * time.Hour)
	w.exec("SELECT sightlog_ensure_day($1::date - n) FROM generate_series(0, 5) n", w.day(0))
	w.exec(`INSERT INTO cameras (name) VALUES ('yard')`)
	w.exec(`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
		VALUES (1, 'r', 'stream', 'm', '', 320, 256, 'cpu')`)
	w.exec("INSERT INTO classes VALUES (1, 0, 'person')")
	w.exec(`INSERT INTO sightings
		SELECT $1::timestamptz + CASE WHEN n = 5760 THEN '1 day' ELSE n * interval '1 minute' - interval '4 days' END, 1, 1, n, 0, NULL, NULL, NULL, NULL, 1, 0, 768, 768, 2, 2
		FROM generate_series(0, 5760) n`, w.today.AddDate(0, 0, -1))
	pgtest.AddDetections(w, w.pool, `SELECT captured_at, camera_id, run_id, seq, seq / 50 * 4 + i, i, 0, 0.9,
		100 + i * 150, 100, 140 + i * 150 + seq % 50, 300 + i * 100, CASE WHEN i = 0 THEN '{mat}' END
		FROM sightings, LATERAL generate_series(0, 1) i`)
}

// day returns the date of so many days ago.
func (w *world) day(ago int) string { return w.today.AddDate(0, 0, -ago).Format(time.DateOnly) }

const columns = "captured_at, camera, run, seq, object_index, label, score, x1, y1, x2, y2, track_id, zones, state"

// archived requires that the archive has the detections of all days but today, each once.
func (w *world) archived() {
	w.Helper()
	want := w.lines("SELECT " + columns + " FROM v_detections WHERE captured_at < '" + w.day(1) + "Z' ORDER BY 1, 5")
	require.NotEmpty(w, want)
	require.Equal(w, want, w.lines("SELECT "+columns+" FROM archive.detections ORDER BY 1, 5"))
}

func TestPage_Archive_HasEachDetectionOnce(t *testing.T) {
	t.Parallel()
	w := open(t, pgtest.URL)
	w.days()
	p := page(t)
	w.psql(p[1])
	w.psql(p[2])
	w.archived()
	require.Equal(t, []string{"11520"}, w.lines("SELECT count(*) FROM archive.detections"))
	require.Equal(t, []string{"true"}, w.lines(`SELECT after_compression_total_bytes < before_compression_total_bytes / 5
		FROM hypertable_columnstore_stats('archive.detections')`))
	require.Equal(t,
		w.lines(`SELECT date_trunc('day', captured_at, 'UTC'), floor((x1 + x2) / 2 / 48)::integer, floor(y2 / 48)::integer, count(*)
			FROM archive.detections GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`),
		w.lines("SELECT day, x, y, feet FROM archive.heat ORDER BY 1, 2, 3"))

	// A frame that comes late, of a day that is compressed.
	w.exec(`INSERT INTO sightings SELECT captured_at + interval '1 s', camera_id, run_id, 9999, pts_us, NULL, NULL, NULL, NULL, 1, 0,
		width, height, people, objects, class_ids, boxes, track_ids, zone_set_ids FROM sightings WHERE seq = 100`)
	for range 2 {
		w.exec("CALL archive.add_day('" + w.day(5) + "')")
		w.archived()
	}

	// Retention of the tables leaves it alone.
	kept := w.lines("SELECT " + columns + " FROM archive.detections ORDER BY 1, 5")
	w.exec("DROP TABLE sightings_" + strings.ReplaceAll(w.day(5), "-", ""))
	w.psql(p[2])
	require.Equal(t, kept, w.lines("SELECT "+columns+" FROM archive.detections ORDER BY 1, 5"))
}

func TestPage_TimeBucket_OnTheViews(t *testing.T) {
	t.Parallel()
	w := open(t, pgtest.URL)
	w.days()
	require.Equal(t, 4*24*4+1, strings.Count(w.psql(page(t)[0]), "| yard"))
	require.Equal(t,
		w.lines("SELECT date_bin('15 minutes', minute, '2000-01-01Z'), sum(people_sum) FROM v_minutes GROUP BY 1 ORDER BY 1"),
		w.lines("SELECT time_bucket('15 minutes', minute), sum(people_sum) FROM v_minutes GROUP BY 1 ORDER BY 1"))
}

// It is partitioned by PostgreSQL, which is the reason why no option makes it a hypertable.
func TestSightings_AsHypertable_Refused(t *testing.T) {
	t.Parallel()
	w := open(t, pgtest.URL)
	_, err := w.pool.Exec(t.Context(), "SELECT create_hypertable('sightings', by_range('captured_at'))")
	require.ErrorContains(t, err, "already partitioned")
}

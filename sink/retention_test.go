package sink_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

const day = 24 * time.Hour

// noon is the time at which the tests of retention delete.
var noon = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// past is a database with rows of other days, and a sink that deletes.
type past struct {
	testing.TB
	pool *pgxpool.Pool
	log  strings.Builder
	reg  *prometheus.Registry
}

func newPast(t testing.TB) *past {
	t.Helper()
	return &past{TB: t, pool: pgtest.Open(t), reg: prometheus.NewRegistry()}
}

func (p *past) exec(sql string, args ...any) {
	p.Helper()
	_, err := p.pool.Exec(p.Context(), sql, args...)
	require.NoError(p, err, sql)
}

func (p *past) number(sql string, args ...any) (n int) {
	p.Helper()
	require.NoError(p, p.pool.QueryRow(p.Context(), sql, args...).Scan(&n), sql)
	return n
}

// addRun adds a run of a camera, of a kind of source, with an end or NULL for none.
func (p *past) addRun(camera, kind string, started time.Time, finished any) (run int) {
	p.Helper()
	p.exec("INSERT INTO cameras (name) VALUES ($1) ON CONFLICT DO NOTHING", camera)
	require.NoError(p, p.pool.QueryRow(p.Context(), `
		INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, started_at, finished_at)
		SELECT id, gen_random_uuid(), $2, 'm', 'abc', 1, 1, 'cpu', $3, $4 FROM cameras WHERE name = $1 RETURNING id`, camera, kind, started, finished).Scan(&run))
	p.exec("INSERT INTO classes VALUES ($1, 0, 'person')", run)
	return run
}

// addRows adds n sightings of a run, a second apart, with a row of each other table for
// each, and their batch.
func (p *past) addRows(run int, at time.Time, n int, partition bool) {
	p.Helper()
	if partition {
		p.exec("SELECT sightlog_ensure_day($1)", at)
	}
	batch := p.number("SELECT nextval('batch_ids')")
	p.exec("INSERT INTO batches VALUES ($1, $2, $2, $3)", batch, at, n)
	const of = " FROM generate_series(0, $3::integer - 1) n, runs r WHERE r.id = $1"
	for _, sql := range []string{
		`INSERT INTO sightings SELECT $2::timestamptz + n * interval '1 s', r.camera_id, r.id, extract(epoch FROM $2::timestamptz)::bigint + n, 0,
			NULL, NULL, NULL, NULL, ` + fmt.Sprint(batch) + `, 0, 768, 576, 1, 1, '{0}', '{1,2,3,4,0.5}', '{1}', NULL` + of,
		`INSERT INTO crossings SELECT $2::timestamptz + n * interval '1 s', r.camera_id, r.id, n, 'gate', n, 'in', 0, 'person'` + of,
		`INSERT INTO crossing_minutes SELECT r.camera_id, 'gate', $2::timestamptz + n * interval '1 min', r.id, 'in', 'person', 1` + of,
		`INSERT INTO camera_minutes SELECT r.camera_id, $2::timestamptz + n * interval '1 min', r.id, 1, 1, 1, 1, 1, 0, 1, 0, 0` + of,
		`INSERT INTO zone_minutes SELECT r.camera_id, 'door', $2::timestamptz + n * interval '1 min', r.id, 1, 1, 1` + of,
		`INSERT INTO tracks SELECT r.id, extract(epoch FROM $2::timestamptz)::bigint + n, r.camera_id, 0, $2::timestamptz, $2::timestamptz, 1, 1, '{}'` + of,
		`INSERT INTO visits SELECT r.id, extract(epoch FROM $2::timestamptz)::bigint + n, 'door', $2::timestamptz, $2::timestamptz, r.camera_id, 1` + of,
	} {
		p.exec(sql, run, at, n)
	}
}

func (p *past) sink(change ...func(*sink.Config)) *sink.Sink {
	p.Helper()
	cfg := sink.Config{Kafka: kafka.Config{Brokers: []string{"127.0.0.1:1"}}, Pool: p.pool, Log: logInto(&p.log), Metrics: p.reg}
	for _, f := range change {
		f(&cfg)
	}
	s, err := sink.New(cfg)
	require.NoError(p, err)
	p.Cleanup(s.Close)
	return s
}

func noPause() error { return nil }

func (p *past) retain(change ...func(*sink.Config)) {
	p.Helper()
	require.NoError(p, p.sink(change...).Retain(p.Context(), noon, noPause))
}

func keep(k sink.Keep) func(*sink.Config) { return func(c *sink.Config) { c.Keep = k } }

// days returns the days that have a partition, as days before noon's.
func (p *past) days() (ago []int) {
	p.Helper()
	rows, err := p.pool.Query(p.Context(), `SELECT $1::date - to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'sightings'::regclass AND c.relname <> 'sightings_default' ORDER BY 1`, noon)
	require.NoError(p, err)
	defer rows.Close()
	for rows.Next() {
		var n int
		require.NoError(p, rows.Scan(&n))
		ago = append(ago, n)
	}
	require.NoError(p, rows.Err())
	return ago
}

func ago(days int) time.Time { return noon.Add(-time.Duration(days) * day) }

func TestRetention_NothingAsked_DeletesNothing(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(4000), ago(1))
	for _, n := range []int{3000, 30, 0} {
		p.addRows(run, ago(n), 3, n != 3000)
	}
	p.retain()
	require.Equal(t, 9, p.number("SELECT count(*) FROM sightings"))
	require.Equal(t, []int{0, 30}, p.days())
	require.Empty(t, p.log.String())
}

func TestRetention_Sightings_DropsDaysAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(4000), nil)
	for _, n := range []int{3000, 40, 31, 30, 29, 0, -3000} {
		p.addRows(run, ago(n), 3, n < 3000 && n >= 0)
	}
	p.retain(keep(sink.Keep{Sightings: 30 * day}))
	// The day that was noon 30 days ago is needed until it has ended 30 days ago.
	require.Equal(t, []int{0, 29, 30}, p.days())
	require.Equal(t, 12, p.number("SELECT count(*) FROM sightings"), "one of a wrong clock in the future is not older")
	for _, table := range []string{"crossings", "crossing_minutes", "camera_minutes", "zone_minutes", "tracks", "visits"} {
		require.Equal(t, 21, p.number("SELECT count(*) FROM "+table), table)
	}
	require.Equal(t, 5, p.number("SELECT count(*) FROM batches"), "a day longer, and the one of the future")
	require.Equal(t, 1, p.number("SELECT count(*) FROM runs"))
	require.Equal(t, 2.0, gauge(t, p.reg, "sightlog_sink_dropped_day_partitions_total"))
	require.Equal(t, 3.0, gauge(t, p.reg, "sightlog_sink_deleted_rows_total", "sightings"))
	require.Equal(t, 2, strings.Count(p.log.String(), "dropped a day of sightings"))
	p.log.Reset()
	p.retain(keep(sink.Keep{Sightings: 30 * day}), func(c *sink.Config) { c.Metrics = nil })
	require.Empty(t, p.log.String(), "a second round finds nothing")
}

func TestRetention_Hours_DoNotWaitForTheDaysEnd(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(3), nil)
	for _, hours := range []int{40, 13, 11} {
		p.addRows(run, noon.Add(-time.Duration(hours)*time.Hour), 3, true)
	}
	p.retain(keep(sink.Keep{Sightings: 12 * time.Hour}))
	require.Equal(t, []int{0}, p.days())
	require.Equal(t, 3, p.number("SELECT count(*) FROM sightings"))
}

func TestRetention_EachTable_HasItsTime(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(900), ago(1))
	old := p.addRun("porch", "stream", ago(900), ago(800))
	for _, n := range []int{800, 300, 80, 20, 1} {
		p.addRows(run, ago(n), 2, n < 400)
	}
	p.addRows(old, ago(800), 2, false)
	p.retain(keep(sink.Keep{Sightings: 10 * day, Crossings: 60 * day, Totals: 400 * day, Tracks: 90 * day}))
	for table, want := range map[string]int{
		"sightings": 2, "crossings": 4, "crossing_minutes": 4, "tracks": 6, "visits": 8, "zone_minutes": 8, "camera_minutes": 8,
		"batches": 1, "runs": 1, "classes": 1, "cameras": 1,
	} {
		require.Equal(t, want, p.number("SELECT count(*) FROM "+table), table)
	}
}

func TestRetention_CamerasOfTheirOwn_KeepTheirRows(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	for _, camera := range []string{"porch", "door", "yard"} {
		run := p.addRun(camera, "webcam", ago(900), nil)
		for _, n := range []int{500, 40, 10, 8, 1} {
			if camera == "yard" && n == 40 {
				continue
			}
			p.addRows(run, ago(n), 2, n != 500)
		}
	}
	change := func(c *sink.Config) {
		c.Keep = sink.Keep{Sightings: 30 * day, Totals: 365 * day}
		c.CameraKeep = map[string]sink.Keep{"door": {Sightings: 7 * day, Totals: 365 * day}, "yard": {}, "elsewhere": {Sightings: day}}
	}
	p.retain(change)
	require.Equal(t, []int{1, 8, 10}, p.days(), "the day that yard has no rows of is dropped")
	for camera, want := range map[string][2]int{"porch": {6, 8}, "door": {2, 8}, "yard": {8, 8}} {
		const of = " WHERE camera_id = (SELECT id FROM cameras WHERE name = $1)"
		require.Equal(t, want[0], p.number("SELECT count(*) FROM sightings"+of, camera), camera)
		require.Equal(t, want[1], p.number("SELECT count(*) FROM camera_minutes"+of, camera), camera)
	}
	require.Equal(t, 14, p.number("SELECT count(*) FROM batches"), "a camera keeps its sightings for ever")
}

// A recording's frames may be older than --keep when it is processed. They are kept for
// that time after its run has ended.
func TestRetention_OldRecording_IsKeptFromTheEndOfItsRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind     string
		finished any
		later    bool // another run of the camera began 40 days ago
		kept     bool
	}{
		"a file, being read":         {"file", nil, false, true},
		"a file, ended lately":       {"file", ago(29), false, true},
		"pictures, ended lately":     {"images", ago(29), false, true},
		"a file, ended long ago":     {"file", ago(31), false, false},
		"a file, given up long ago":  {"file", nil, true, false},
		"a stream, running":          {"stream", nil, false, false},
		"a stream, ended lately":     {"stream", ago(1), false, false},
		"a webcam, ended before it":  {"webcam", ago(900), false, false},
		"a file, and a later stream": {"file", ago(20), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPast(t)
			run := p.addRun("porch", c.kind, ago(2000), c.finished)
			if c.later {
				p.addRun("porch", "stream", ago(40), nil)
			}
			p.addRows(run, ago(2000), 3, false)
			p.addRows(run, ago(50), 3, true)
			other := p.addRun("yard", "stream", ago(60), nil)
			p.addRows(other, ago(50), 3, true)
			k := 30 * day
			p.retain(keep(sink.Keep{Sightings: k, Crossings: k, Totals: k}))
			want := 0
			if c.kept {
				want = 6
			}
			for _, table := range []string{"sightings", "crossings", "camera_minutes", "tracks"} {
				require.Equal(t, want, p.number("SELECT count(*) FROM "+table), table)
			}
			if c.kept {
				require.Equal(t, 2, p.number("SELECT count(*) FROM batches b WHERE EXISTS (SELECT FROM sightings s WHERE s.batch_id = b.batch_id)"))
			}
		})
	}
}

func TestRetention_ManyRows_GoInSmallTransactions(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(90), nil)
	p.addRows(run, ago(50), 12_000, true)
	yard := p.addRun("yard", "stream", ago(90), nil)
	p.addRows(yard, ago(50), 1, true)
	change := func(c *sink.Config) {
		c.Keep, c.CameraKeep = sink.Keep{Sightings: 30 * day}, map[string]sink.Keep{"yard": {}}
	}
	// A crash after the first step leaves the rest, and the next round goes on.
	killed := errors.New("killed")
	require.ErrorIs(t, p.sink(change).Retain(t.Context(), noon, func() error { return killed }), killed)
	require.Equal(t, 7001, p.number("SELECT count(*) FROM sightings"))
	pauses := 0
	require.NoError(t, p.sink(change, func(c *sink.Config) { c.Metrics = nil }).Retain(t.Context(), noon, func() error {
		pauses++
		return nil
	}))
	require.Equal(t, 1, p.number("SELECT count(*) FROM sightings"))
	require.Equal(t, 1, pauses)
}

// A reader that has the table open for long delays the drop, and the drop delays nobody
// for long: writers get in between its tries.
func TestRetention_LongReader_IsNotWaitedFor(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(90), nil)
	p.addRows(run, ago(50), 5, true)
	p.addRows(run, ago(0), 5, true)
	reader, err := p.pool.Begin(t.Context())
	require.NoError(t, err)
	defer reader.Rollback(context.Background()) //nolint:errcheck // it has ended, or the test failed
	_, err = reader.Exec(t.Context(), "SELECT count(*) FROM sightings")
	require.NoError(t, err)
	wrote := 0
	s := p.sink(keep(sink.Keep{Sightings: 30 * day, Tracks: 30 * day, Totals: 40 * day}))
	require.ErrorIs(t, s.Retain(t.Context(), noon, func() error {
		wrote++
		p.addRows(run, ago(0).Add(time.Duration(wrote)*time.Hour), 1, false)
		return nil
	}), sink.ErrHeld)
	require.Equal(t, 2, wrote)
	require.Equal(t, []int{0, 50}, p.days())
	require.Equal(t, 7, p.number("SELECT count(*) FROM tracks"), "other tables do not wait")
	require.Contains(t, p.log.String(), "cannot drop a day of sightings while")
	require.NoError(t, reader.Commit(t.Context()))
	require.NoError(t, s.Retain(t.Context(), noon, noPause))
	require.Equal(t, []int{0}, p.days())
}

// A sighting that is to be kept may be on its way into a day that is about to go.
func TestRetention_KeptRowArrivesBeforeTheDrop_StaysAndItsDay(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.addRows(p.addRun("porch", "stream", ago(90), nil), ago(50), 5, true)
	yard := p.addRun("yard", "stream", ago(90), nil)
	writer, err := p.pool.Begin(t.Context())
	require.NoError(t, err)
	defer writer.Rollback(context.Background()) //nolint:errcheck // it has ended, or the test failed
	_, err = writer.Exec(t.Context(), `INSERT INTO sightings SELECT $2, camera_id, id, 1, 0, NULL, NULL, NULL, NULL, 1, 0, 768, 576, 0, 0 FROM runs WHERE id = $1`, yard, ago(50))
	require.NoError(t, err)
	done := make(chan error, 1)
	s := p.sink(func(c *sink.Config) {
		c.Keep, c.CameraKeep = sink.Keep{Sightings: 30 * day}, map[string]sink.Keep{"yard": {}}
	})
	go func() { done <- s.Retain(context.WithoutCancel(t.Context()), noon, noPause) }()
	waits := func() bool {
		return p.number("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())", "sightings_"+ago(50).Format("20060102")) > 0
	}
	for !waits() && len(done) == 0 { // it is caught, or has given up: the row must be there in both cases
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, writer.Commit(t.Context()))
	if err := <-done; !errors.Is(err, sink.ErrHeld) {
		require.NoError(t, err)
	}
	require.NoError(t, s.Retain(t.Context(), noon, noPause))
	require.Equal(t, []int{50}, p.days())
	require.Equal(t, 1, p.number("SELECT count(*) FROM sightings"))
}

func TestRetention_SeveralSinksAndAPooler_DropEachDayOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	p := &past{TB: t, pool: pgtest.Pool(t, url), reg: prometheus.NewRegistry()}
	run := p.addRun("porch", "stream", ago(90), nil)
	for n := 40; n < 60; n++ {
		p.addRows(run, ago(n), 3, true)
	}
	p.addRows(run, ago(400), 300, false)
	bounced := pgtest.Pool(t, pgtest.Bouncer(t, url))
	var g errgroup.Group
	for range 4 {
		s := p.sink(keep(sink.Keep{Sightings: 30 * day}), func(c *sink.Config) {
			c.Pool, c.Metrics, c.Log = bounced, nil, nil
		})
		g.Go(func() error {
			for range 20 { // one that finds another at work leaves it alone, and looks again an hour later
				if err := s.Retain(context.WithoutCancel(t.Context()), noon, noPause); err != nil && !sink.IsElsewhere(err) {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.Empty(t, p.days())
	require.Equal(t, 0, p.number("SELECT count(*) FROM sightings"))
	require.Equal(t, 0, p.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))
}

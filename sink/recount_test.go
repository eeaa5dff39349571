package sink_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// fence counts as a line at x does whose crossings are complete at once, and a zone of all
// that is right of it.
type fence struct {
	x    float32
	side map[int64]bool
}

func (f fence) Count(s *event.Sighting) (all []event.Crossing) {
	for i := range s.Objects {
		o := &s.Objects[i]
		right := o.Box[0] >= f.x
		if o.Zones = nil; right {
			o.Zones = []string{"right"}
		}
		if o.TrackID == nil {
			continue
		}
		was, known := f.side[*o.TrackID]
		f.side[*o.TrackID] = right
		if known && was != right {
			c := s.Crossing()
			c.Line, c.TrackID, c.ClassID, c.Label, c.Direction = "fence", *o.TrackID, o.ClassID, o.Label, event.In
			if was {
				c.Direction = event.Out
			}
			all = append(all, c)
		}
	}
	return all
}

// End counts a crossing in the first frame.
func (f fence) End() []event.Crossing {
	return []event.Crossing{{CapturedAt: event.At(origin), Line: "end", Direction: event.In, Label: "person"}}
}

// walk produces n sightings of a person who walks from left to right and back every 200
// frames, counted with a fence at x.
func (w *world) walk(camera string, n int, x float32) {
	w.Helper()
	f := fence{x, make(map[int64]bool)}
	for i := range n {
		s := sighting(camera, "run-of-"+camera, i)
		at := float32(i % 200)
		if at > 100 {
			at = 200 - at
		}
		id := int64(1 + i/600)
		s.Objects = []event.Object{{Label: "person", Score: 0.8, Box: event.Box{at, 20, at + 5.5, 60}, TrackID: &id}}
		if i%7 == 0 {
			s.Objects = nil
		}
		crossed := f.Count(s)
		w.produce(record(w, s))
		for _, c := range crossed {
			w.produce(crossingRecord(w, &c))
		}
	}
}

// recounted asks for all rows that depend on zones and lines, in a schema.
func recounted(t testing.TB, pool *pgxpool.Pool, schema string) []string {
	t.Helper()
	return pgtest.Lines(t, pool,
		fmt.Sprintf("SELECT captured_at, camera, run, seq, line, direction, track_id, label, class_id FROM %s.v_crossings ORDER BY 1, 2, 3, 4, 5", schema),
		fmt.Sprintf("SELECT minute, camera, run, line, direction, label, crossings FROM %s.v_crossing_minutes ORDER BY 1, 2, 3, 4, 5", schema),
		fmt.Sprintf("SELECT minute, camera, run, zone, frames, people_frames, max_people, avg_people, seconds FROM %s.v_zone_minutes ORDER BY 1, 2, 3, 4", schema),
		fmt.Sprintf("SELECT entered_at, left_at, camera, zone, run, track_id, label, frames FROM %s.v_visits ORDER BY 1, 2, 3, 4, 5", schema))
}

// insideOf returns the crossings that a place with the fence adds up, with a search path.
func insideOf(t testing.TB, pool *pgxpool.Pool, path string) []string {
	t.Helper()
	require.NoError(t, sink.StorePlaces(t.Context(), pool, []sink.Place{{
		Name: "porch", Reset: 4 * time.Hour, TZ: "UTC", Label: "person", Lines: []sink.PlaceLine{{Camera: "porch", Line: "fence"}}}}))
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
	_, err = tx.Exec(t.Context(), "SET LOCAL search_path = "+path)
	require.NoError(t, err)
	rows, err := tx.Query(t.Context(), `SELECT concat_ws(' ', minute, "in", "out") FROM v_place_crossings WHERE place = 'porch' ORDER BY minute`)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, lines)
	return lines
}

func recountOf(pool *pgxpool.Pool, x float32) sink.RecountConfig {
	return sink.RecountConfig{
		Pool: pool, Since: origin.Add(-time.Hour), Until: origin.Add(time.Hour),
		Cameras: []sink.RecountCamera{{
			Name:   "porch",
			Shapes: []event.Shape{{Kind: event.ShapeLine, Name: "fence", Points: [][2]float64{{0.5, 0}, {0.5, 1}}}},
			New:    func(float32) (sink.Counter, error) { return fence{x, make(map[int64]bool)}, nil },
		}},
	}
}

func TestRecount_MovedLine_RowsOfARunWithIt(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	w.start()
	other.start()
	w.walk("porch", 1500, 30)
	other.walk("porch", 1500, 70)
	w.drain()
	other.drain()
	before := recounted(t, w.pool, "public")
	r, err := sink.Recount(t.Context(), recountOf(w.pool, 70))
	require.NoError(t, err)
	require.EqualValues(t, 1500, r.Sightings)
	require.EqualValues(t, 1500, r.Frames)
	require.NotEqual(t, before, recounted(t, other.pool, "public"))
	require.Equal(t, recounted(t, other.pool, "public"), recounted(t, w.pool, r.Schema))
	require.Equal(t, before, recounted(t, w.pool, "public"), "nothing of before is changed")
	require.Equal(t, insideOf(t, other.pool, "public"), insideOf(t, w.pool, r.Schema+", public"))
	require.Equal(t, 9, w.number("SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = $1::regnamespace", r.Schema))

	// A second one, beside the first; the figures tell both.
	again, err := sink.Recount(t.Context(), recountOf(w.pool, 30))
	require.NoError(t, err)
	require.Equal(t, before, recounted(t, w.pool, again.Schema))
	for _, f := range again.Figures {
		require.Equal(t, "porch", f.Camera)
		if f.Kind == event.ShapeLine {
			require.Equal(t, f.Before, f.Now, f.Figure)
			require.NotZero(t, *f.Now)
		}
	}
	require.NoError(t, sink.DropRecount(t.Context(), w.pool, r.ID))
	require.Equal(t, 1, w.number("SELECT count(*) FROM recounts"))
	require.Equal(t, 1, w.number("SELECT count(*) FROM definitions"))
	require.Equal(t, 0, w.number("SELECT count(*) FROM pg_namespace WHERE nspname = $1", r.Schema))
	require.True(t, usage.Is(sink.DropRecount(t.Context(), w.pool, r.ID)))
}

// The state of the tracks before Since is that of the run: a person who crosses just after
// it is known to come from the other side.
func TestRecount_Since_OnlyWhatIsAfterIsCountedWithTheStateBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.walk("porch", 1500, 70)
	w.drain()
	cfg := recountOf(w.pool, 70)
	for _, seq := range []int{75, 271, 272, 600, 1499} {
		cfg.Since = sighting("porch", "", seq).CapturedAt.Time
		r, err := sink.Recount(t.Context(), cfg)
		require.NoError(t, err)
		require.EqualValues(t, 1500-seq, r.Sightings)
		of := "SELECT captured_at, seq, track_id, direction FROM %s.crossings WHERE seq >= %d ORDER BY 1, 2"
		require.Equal(t, pgtest.Lines(t, w.pool, fmt.Sprintf(of, "public", seq)), pgtest.Lines(t, w.pool, fmt.Sprintf(of, r.Schema, 0)), seq)
	}
}

// What the end of a run completes counts where the run has ended, within the time.
func TestRecount_RunHasEnded_ItsEndCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.walk("porch", 20, 70)
	w.drain()
	atEnd := func(cfg sink.RecountConfig) int {
		r, err := sink.Recount(t.Context(), cfg)
		require.NoError(t, err)
		return w.number(fmt.Sprintf("SELECT count(*) FROM %s.v_crossings WHERE line = 'end'", r.Schema))
	}
	cfg := recountOf(w.pool, 70)
	require.Zero(t, atEnd(cfg), "the run goes on")
	_, err := w.pool.Exec(t.Context(), "UPDATE runs SET finished_at = now()")
	require.NoError(t, err)
	require.Equal(t, 1, atEnd(cfg))
	early := cfg
	early.Until = sighting("porch", "", 19).CapturedAt.Time
	require.Zero(t, atEnd(early))
	cfg.Since = sighting("porch", "", 1).CapturedAt.Time
	require.Zero(t, atEnd(cfg), "it is in frame 0")
}

func TestRecount_Fails_LeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.walk("porch", 10, 70)
	w.drain()
	cfg := recountOf(w.pool, 70)
	cfg.Cameras[0].Name = "prch"
	_, err := sink.Recount(t.Context(), cfg)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "camera prch has no rows")
	require.Equal(t, 0, w.number("SELECT count(*) FROM recounts"))
	require.Equal(t, 0, w.number("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%recount%'"))
}

// Who may read the tables may read a recount of them.
func TestRecount_ReaderOfTheTables_MayReadIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.walk("porch", 10, 70)
	w.drain()
	_, err := w.pool.Exec(t.Context(), "GRANT SELECT ON crossings TO PUBLIC")
	require.NoError(t, err)
	r, err := sink.Recount(t.Context(), recountOf(w.pool, 70))
	require.NoError(t, err)
	require.Equal(t, 14, w.number(`SELECT count(*) FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'v')
		AND has_table_privilege('public', oid, 'SELECT') AND has_schema_privilege('public', relnamespace, 'USAGE')`, r.Schema))
}

// The zones and lines of a run are stored with it; a later record of the run replaces them.
func TestRun_Shapes_AreStoredAsDefinitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	run := event.Run{ID: "r1", Camera: "porch", SourceKind: event.SourceFile, Source: "a.mp4", StartedAt: event.At(origin), Shapes: []event.Shape{
		{Kind: event.ShapeZone, Name: "door", Points: [][2]float64{{0, 0}, {0.5, 0}, {0.25, 1}}},
		{Kind: event.ShapeLine, Name: "door", Points: [][2]float64{{0, 0}, {1, 1}}},
	}}
	w.produce(runRecord(t, &run))
	w.drain()
	require.Equal(t, []string{"porch line door {0,0,1,1} r1", "porch zone door {0,0,0.5,0,0.25,1} r1"},
		pgtest.Lines(t, w.pool, "SELECT concat_ws(' ', camera, kind, name, points, run, recount, valid_to) FROM v_definitions WHERE valid_from < now() ORDER BY kind"))
	run.Shapes = run.Shapes[1:]
	run.Shapes[0].Points[1] = [2]float64{1, 0.5}
	w.produce(runRecord(t, &run))
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM definitions WHERE kind = 'line' AND points = '{0,0,1,0.5}'"))
}

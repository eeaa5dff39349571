package query_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// recounted is busyStreet with recounts of yard: 1 with two people in another zone, and a line that
// five crossed; 2 whose objects were tracked anew.
func recounted(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := busyStreet(t)
	run(t, pool, "INSERT INTO recounts (schema, since, until, score, finished_at) VALUES ('again', '2026-05-01', '2026-05-02', NULL, now()), ('other', '1970-01-01', '2200-01-01', 0.5, now()), ('going on', '1970-01-01', '2200-01-01', 0.5, NULL)",
		"INSERT INTO definitions (recount_id, camera_id, kind, name, points) SELECT id, 1, 'zone', 'bench', '{0,0,1,0,1,1}' FROM recounts",
		"CREATE SCHEMA again", "CREATE SCHEMA other")
	for _, table := range []string{"crossings", "crossing_minutes", "crossing_half_hours", "zone_minutes", "visits"} {
		run(t, pool, "CREATE TABLE again."+table+" (LIKE "+table+" INCLUDING ALL)", "CREATE TABLE other."+table+" (LIKE "+table+" INCLUDING ALL)")
	}
	run(t, pool, `INSERT INTO again.zone_minutes SELECT (jsonb_populate_record(z, '{"zone": "bench", "max_people": 2}')).* FROM zone_minutes z`,
		`INSERT INTO again.visits SELECT (jsonb_populate_record(v, '{"zone": "bench"}')).* FROM visits v WHERE camera_id = 1`,
		`INSERT INTO again.crossing_minutes SELECT (jsonb_populate_record(m, jsonb_build_object('line', 'kerb', 'crossings', 5 * m.crossings))).* FROM crossing_minutes m`,
		`INSERT INTO again.crossing_half_hours SELECT (jsonb_populate_record(m, jsonb_build_object('line', 'kerb', 'crossings', 5 * m.crossings))).* FROM crossing_half_hours m`)
	return pool
}

// A day and a timeline show what a recount counted, as the reports do, and without one what was
// counted at the time.
func TestViews_Recount_ItsZonesAndLinesAsTheReports(t *testing.T) {
	t.Parallel()
	pool := recounted(t)
	now := at("2026-05-02T12:00:00Z")
	before := dayOf(t, pool, query.Filter{}, "2026-05-01", now)
	require.Equal(t, "gate", before.Lines[0].Line)
	require.Equal(t, "door", before.Zones[0].Zone)
	f := query.Filter{Recount: 1, Since: at("2026-05-01T00:00:00Z"), Until: at("2026-05-02T00:00:00Z")}
	d := dayOf(t, pool, query.Filter{Recount: 1}, "2026-05-01", now)
	require.Equal(t, []string{"kerb", "bench"}, []string{d.Lines[0].Line, d.Zones[0].Zone})
	require.EqualValues(t, 2, *d.Zones[0].InView.Most)
	require.Equal(t, column(records(t, pool, "crossings", f), "in"), d.In.N)
	require.NotEqual(t, before.In.N, d.In.N)
	require.Equal(t, before.People.N, d.People.N, "tracks are the same")
	var visits int64
	for _, z := range d.Zones {
		visits += z.Visits.N
	}
	require.EqualValues(t, len(records(t, pool, "visits", f)), visits)

	l, err := query.TimelineOf(t.Context(), pool, f)
	require.NoError(t, err)
	var in int64
	for _, lane := range l.Cameras {
		for _, n := range lane.In {
			if n != nil {
				in += *n
			}
		}
	}
	require.Equal(t, d.In.N, in)
	list, err := query.TracksOf(t.Context(), pool, query.Filter{Recount: 1, Zone: "bench"}, query.Part{Limit: 100})
	require.NoError(t, err)
	require.NotEmpty(t, list.Tracks)
	path, err := query.PathOf(t.Context(), pool, query.Filter{Run: list.Tracks[0].Run, Recount: 1}, list.Tracks[0].Track)
	require.NoError(t, err)
	require.Equal(t, "bench", path.Visits[0].Zone)

	all, err := query.RecountsOf(t.Context(), pool)
	require.NoError(t, err)
	require.Len(t, all, 2, "one is not complete")
	require.Equal(t, []int32{2, 1}, []int32{all[0].ID, all[1].ID})
	require.Equal(t, []bool{true, false}, []bool{all[0].OwnTracks, all[1].OwnTracks})
	require.Equal(t, []string{"yard"}, all[1].Cameras)
}

func TestViews_RecountThatIsNotThereOrHasOwnTracks_Refused(t *testing.T) {
	t.Parallel()
	pool := recounted(t)
	_, err := query.DayOf(t.Context(), pool, query.Filter{Recount: 7}, "2026-05-01", at("2026-05-02T12:00:00Z"))
	require.ErrorIs(t, err, query.ErrNoName)
	_, err = query.TracksOf(t.Context(), pool, query.Filter{Recount: 2}, query.Part{Limit: 1})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "--recount 2 has tracks of its own")
}

package sink_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// addTracks adds a track of the camera porch for each of these spans of time, with numbers
// from 1 on, in a database without others.
func addTracks(t testing.TB, pool *pgxpool.Pool, spans ...[2]string) {
	t.Helper()
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('porch')",
		"INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider) VALUES (1, 'r1', 'rtsp', 'm', '', 1, 1, 'cpu')",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	for n, s := range spans {
		_, err := pool.Exec(t.Context(), `INSERT INTO tracks (run_id, track_id, camera_id, class_id, first_at, last_at, frames, score, path)
			VALUES (1, $1, 1, 0, $2, $3, 1, 0.9, '{1,1}')`, n+1, s[0], s[1])
		require.NoError(t, err)
	}
}

func staffTracks(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	return pgtest.Lines(t, pool, "SELECT concat_ws(' ', camera, run, track_id, rule) FROM v_staff_tracks ORDER BY track_id, rule")
}

func TestStoreStaff_EachRule_TakesItsTracks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	addTracks(t, pool, [2]string{"2026-05-01 10:00:00Z", "2026-05-01 13:59:59.999Z"}, [2]string{"2026-05-01 10:00:00Z", "2026-05-01 14:00:00Z"},
		[2]string{"2026-05-01 11:00:00Z", "2026-05-01 11:10:00Z"}, [2]string{"2026-05-01 12:00:00Z", "2026-05-01 12:10:00Z"})
	_, err := pool.Exec(t.Context(), `INSERT INTO visits (run_id, track_id, zone, entered_at, left_at, camera_id, frames) VALUES
		(1, 3, 'till', '2026-05-01 11:00:00Z', '2026-05-01 11:01:00Z', 1, 9), (1, 3, 'till', '2026-05-01 11:05:00Z', '2026-05-01 11:06:00Z', 1, 9),
		(1, 4, 'till', '2026-05-01 12:00:01Z', '2026-05-01 12:01:00Z', 1, 9), (1, 4, 'door', '2026-05-01 12:00:00Z', '2026-05-01 12:01:00Z', 1, 9)`)
	require.NoError(t, err)
	store := func(cameras []string, rules ...sink.StaffRule) {
		require.NoError(t, sink.StoreStaff(t.Context(), pool, cameras, rules))
	}
	store([]string{"porch"}, sink.StaffRule{Camera: "porch", Zone: "till"}, sink.StaffRule{Camera: "porch", LongerThan: 4 * time.Hour})
	require.Equal(t, []string{"porch r1 2 longer_than", "porch r1 3 zone"}, staffTracks(t, pool), "4 was in the till later")
	store([]string{"yard"}, sink.StaffRule{Camera: "yard", LongerThan: time.Second})
	require.Len(t, staffTracks(t, pool), 2, "the rules of another camera stay, and take none of this one's")
	store([]string{"porch"}, sink.StaffRule{Camera: "porch", Days: []int{5}, Starts: 11 * time.Hour, Lasts: time.Hour, TZ: "UTC"})
	require.Equal(t, []string{"porch r1 3 schedule"}, staffTracks(t, pool))

	err = sink.StoreStaff(t.Context(), pool, []string{"porch"}, []sink.StaffRule{{Camera: "porch", Days: []int{5}, Lasts: time.Hour, TZ: "CEST+2"}})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, `camera porch: staff: the database does not know the time zone "CEST+2"`)
	require.Len(t, staffTracks(t, pool), 1)
	store([]string{"porch", "yard"})
	require.Empty(t, staffTracks(t, pool))
}

// A time of the week is one of the clock in its zone, over a midnight and a change of the
// clock.
func TestStoreStaff_ScheduleOverMidnightAndClockChange_ByTheClock(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	var spans [][2]string
	var want []string
	from := time.Date(2025, 10, 24, 0, 0, 0, 0, time.UTC) // Friday; the clock changes on Sunday
	for n := range 4 * 48 {
		at := from.Add(time.Duration(n) * 30 * time.Minute)
		spans = append(spans, [2]string{at.Format(time.RFC3339), at.Format(time.RFC3339)})
		local := at.In(berlin)
		clock, day := local.Hour()*60+local.Minute(), local.Weekday()
		if day == time.Saturday && clock >= 22*60 || day == time.Sunday && clock < 3*60 {
			want = append(want, fmt.Sprintf("porch r1 %d schedule", n+1))
		}
	}
	addTracks(t, pool, spans...)
	require.NoError(t, sink.StoreStaff(t.Context(), pool, []string{"porch"}, []sink.StaffRule{
		{Camera: "porch", Days: []int{6}, Starts: 22 * time.Hour, Lasts: 5 * time.Hour, TZ: "Europe/Berlin"}}))
	require.Len(t, want, 12, "from 22 to 3, with the hour that comes twice")
	require.Equal(t, want, staffTracks(t, pool))
}

func TestStoreStaff_WholeDay_TakesAllOfIt(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	addTracks(t, pool, [2]string{"2026-05-01 00:00:00Z", "2026-05-01 00:00:00Z"}, [2]string{"2026-05-01 23:59:59.999999Z", "2026-05-02 01:00:00Z"}, [2]string{"2026-05-02 00:00:00Z", "2026-05-02 00:00:00Z"})
	require.NoError(t, sink.StoreStaff(t.Context(), pool, []string{"porch"}, []sink.StaffRule{{Camera: "porch", Days: []int{5}, Lasts: 24 * time.Hour, TZ: "UTC"}}))
	require.Equal(t, []string{"porch r1 1 schedule", "porch r1 2 schedule"}, staffTracks(t, pool))
}

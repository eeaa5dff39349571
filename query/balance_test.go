package query_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

func run(t testing.TB, pool *pgxpool.Pool, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
}

// shop makes cameras door and yard (street), with a line each in the middle of the frame, and
// places with both and with one of them. Reset is 04:00 in UTC.
func shop(t *testing.T, door, yard [][2]string) *pgxpool.Pool {
	t.Helper()
	pool := street(t, "door", door...)
	addCamera(t, pool, "yard", yard...)
	run(t, pool, "UPDATE runs SET frame_width = 100, frame_height = 50",
		"INSERT INTO definitions (camera_id, run_id, kind, name, points) SELECT camera_id, id, 'line', 'gate', '{0.5,0,0.5,1}' FROM runs",
		"INSERT INTO places (name, reset_at, tz, label, capacity) VALUES ('shop', '04:00', 'UTC', 'person', 9), ('porch', '04:00', 'UTC', 'person', NULL)",
		"INSERT INTO place_lines VALUES (1, 'door', 'gate', false), (1, 'yard', 'gate', false), (2, 'door', 'gate', false)")
	return pool
}

const balanceHead = "place,%s,in,out,inside,max_inside,reset,lowest,blind_s,unclosed,dropped\n"

func TestBalance_OverTime_ResetsAndDoubt(t *testing.T) {
	t.Parallel()
	// The yard is blind for 20 seconds, and before 03:58:30; the door after 04:02.
	pool := shop(t, [][2]string{{"2026-05-01 03:58:00Z", "2026-05-01 04:02:00Z"}},
		[][2]string{{"2026-05-01 03:58:30Z", "2026-05-01 04:01:10Z"}, {"2026-05-01 04:01:30Z", "2026-05-01 04:03:00Z"}})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 03:58:35Z", "2026-05-01 03:58:40Z", "2026-05-01 04:02:01Z")
	addCrossings(t, pool, "gate", "out", "person", "2026-05-01 04:00:35Z", "2026-05-01 04:00:45Z")
	addCrossings(t, pool, "gate", "in", "car", "2026-05-01 04:00:36Z")
	minute := query.Filter{Bucket: "1m", Place: "shop"}
	reset := "2026-04-30T04:00:00Z"
	asked(t, pool, "balance", map[string]query.Filter{
		fmt.Sprintf(balanceHead, "minute") + `shop,2026-05-01T03:58:00Z,2,0,2,2,` + reset + `,0,86310,0,2
shop,2026-05-01T03:59:00Z,0,0,2,2,` + reset + `,0,86310,0,6
shop,2026-05-01T04:00:00Z,0,2,-2,0,2026-05-01T04:00:00Z,-2,0,0,4
shop,2026-05-01T04:01:00Z,0,0,-2,-2,2026-05-01T04:00:00Z,-2,20,0,8
shop,2026-05-01T04:02:00Z,1,0,-1,-1,2026-05-01T04:00:00Z,-2,80,0,10
`: minute,
		fmt.Sprintf(balanceHead, "hour") + `porch,2026-05-01T03:00:00Z,2,0,2,2,` + reset + `,0,86280,0,4
porch,2026-05-01T04:00:00Z,1,2,-1,0,2026-05-01T04:00:00Z,-2,60,0,4
shop,2026-05-01T03:00:00Z,2,0,2,2,` + reset + `,0,86310,0,6
shop,2026-05-01T04:00:00Z,1,2,-1,0,2026-05-01T04:00:00Z,-2,80,0,10
`: {Bucket: "1h"},
		fmt.Sprintf(balanceHead, "day") + `porch,2026-05-01T00:00:00+05:30,3,2,-1,2,2026-05-01T09:30:00+05:30,-2,60,0,4
`: {Bucket: "1d", TZ: "Asia/Kolkata", Place: "porch"},
		// The minute of --since is whole, and what was before since the reset counts.
		fmt.Sprintf(balanceHead, "hour") + "shop,2026-05-01T04:00:00Z,1,0,-1,-1,2026-05-01T04:00:00Z,-2,80,0,10\n": {Camera: "yard", Since: at("2026-05-01T04:02:30Z"), Until: at("2026-05-01T04:03:00Z")},
		fmt.Sprintf(balanceHead, "hour"): {Since: at("2026-05-01T03:00:00Z"), Until: at("2026-05-01T03:58:00Z")},
	})
}

// A track that ends near a line without having crossed it may be an entry that was missed.
func TestBalance_TrackEndsAtALine_Unclosed(t *testing.T) {
	t.Parallel()
	pool := shop(t, [][2]string{{"2026-05-01 10:00:00Z", "2026-05-01 10:10:00Z"}}, nil)
	run(t, pool, "DELETE FROM tracks", `INSERT INTO tracks SELECT 1, n, 1, class, at, at + interval '5 s', 6, 0.9, path
		FROM (VALUES (1, 0, '10:01'::time, '{10,10,46,20}'::real[]), -- 4 pixels from the line
		             (2, 0, '10:01', '{10,10,56,20}'), -- 6, and a tenth of the height is 5
		             (3, 0, '10:02', '{10,10,54,50}'),
		             (4, 0, '10:02', '{10,10,51,20}'), -- crosses
		             (5, 2, '10:02', '{10,10,51,20}'), -- a car
		             (6, 0, '10:03', array_fill(50::real, ARRAY[1200])), -- its end is not known
		             (7, 0, '10:09:50', '{10,10,51,20}')) v(n, class, t, path), LATERAL (SELECT '2026-05-01Z'::timestamptz + t AS at) a`,
		"INSERT INTO crossings VALUES ('2026-05-01 10:02:03Z', 1, 1, 0, 'gate', 4, 'in', 0, 'person')")
	got := func() string {
		return answer(t, pool, report("balance", query.Filter{Place: "porch", Since: at("2026-05-01T10:00:00Z"), Until: at("2026-05-01T10:10:00Z")}), "csv")
	}
	line := func(blind, unclosed string) string {
		return fmt.Sprintf(balanceHead, "hour") + "porch,2026-05-01T10:00:00Z,0,0,0,0,2026-05-01T04:00:00Z,0," + blind + "," + unclosed + ",20\n"
	}
	require.Equal(t, line("21600", "2"), got(), "tracks 1 and 3")
	run(t, pool, "UPDATE latest_sightings SET captured_at = '2026-05-01 10:11Z' WHERE camera_id = 1")
	require.Equal(t, line("21600", "3"), got(), "and 7, which does not come back")
	run(t, pool, "UPDATE runs SET frame_width = NULL, frame_height = NULL")
	require.Equal(t, line("21600", ""), got(), "not known")
	run(t, pool, "UPDATE runs SET frame_width = 100, frame_height = 50", "UPDATE definitions SET name = 'other'")
	require.Equal(t, line("22200", ""), got(), "a run without the line is blind for it")
}

func TestBalance_Now_DoubtOfTheTimeSinceTheReset(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Minute)
	text := func(d time.Duration) string { return now.Add(d).Format("2006-01-02 15:04:05Z") }
	pool := shop(t, [][2]string{{text(-2 * time.Hour), text(-10 * time.Minute)}}, [][2]string{{text(-2 * time.Hour), text(0)}})
	run(t, pool, fmt.Sprintf("UPDATE places SET reset_at = '%s'", now.Add(-time.Hour).Format("15:04")))
	addCrossings(t, pool, "gate", "in", "person", text(-61*time.Minute), text(-time.Hour), text(-11*time.Minute))
	got := answer(t, pool, report("balance", query.Filter{}), "csv")
	// 10 minutes, and the time that the test takes.
	require.Regexp(t, `^place,in,out,inside,capacity,reset,lowest,blind_s,unclosed,dropped
porch,2,0,2,,`+now.Add(-time.Hour).Format(time.RFC3339)+`,0,([6-9]\d\d|\d{4,}),0,100
shop,2,0,2,9,`+now.Add(-time.Hour).Format(time.RFC3339)+`,0,([6-9]\d\d|\d{4,}),0,220
$`, got)
	require.Regexp(t, `^[^\n]*\nshop,[^\n]*\n$`, answer(t, pool, report("balance", query.Filter{Camera: "yard"}), "csv"))
	require.Contains(t, answer(t, pool, report("balance", query.Filter{Place: "porch"}), "json"), `"inside": 2, "capacity": null`)
	err := refused(t, pool, report("balance", query.Filter{Place: "shp"}))
	require.True(t, usage.Is(err))
	require.ErrorContains(t, err, `--place "shp" is not in the database; there is porch, shop`)
}

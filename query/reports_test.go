package query_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
)

// street makes a camera with a frame every second of these spans, each of which is a run.
// A frame has width 100, height 50, a person whose feet are at 30, 40, in zone door in the
// first half of each minute, and a car at 90, 10; the tracks are the minutes.
func street(t *testing.T, camera string, spans ...[2]string) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	addCamera(t, pool, camera, spans...)
	return pool
}

func addCamera(t *testing.T, pool *pgxpool.Pool, camera string, spans ...[2]string) {
	t.Helper()
	var id int
	require.NoError(t, pool.QueryRow(t.Context(), "INSERT INTO cameras (name) VALUES ($1) RETURNING id", camera).Scan(&id))
	for i, span := range spans {
		var run int
		require.NoError(t, pool.QueryRow(t.Context(), `INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
			VALUES ($1, $2, 'stream', 'm', '', 1, 1, 'cpu') RETURNING id`, id, fmt.Sprintf("%s-%d", camera, i)).Scan(&run))
		for _, sql := range []string{
			"INSERT INTO classes VALUES (%[2]d, 0, 'person'), (%[2]d, 2, 'car')",
			`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
			 SELECT t, %[1]d, %[2]d, extract(epoch FROM t - '%[3]s'), 0, 0, CASE WHEN extract(second FROM t) = 5 THEN 2 ELSE 0 END, 100, 50, 1, 2
			 FROM generate_series('%[3]s'::timestamptz, '%[4]s'::timestamptz - interval '1 s', '1 s') t`,
		} {
			_, err := pool.Exec(t.Context(), fmt.Sprintf(sql, id, run, span[0], span[1]))
			require.NoError(t, err)
		}
	}
	pgtest.AddDetections(t, pool, fmt.Sprintf(`
		SELECT captured_at, camera_id, run_id, seq, CASE WHEN k = 0 THEN extract(epoch FROM date_trunc('minute', captured_at))::integer / 60 END, k, 2 * k,
		       0.9 - k * 0.25, CASE k WHEN 0 THEN 20 ELSE 80 END, 0, CASE k WHEN 0 THEN 40 ELSE 100 END, CASE k WHEN 0 THEN 40 ELSE 10 END,
		       CASE WHEN k = 0 AND extract(second FROM captured_at) < 30 THEN '{door}'::text[] END
		FROM sightings, generate_series(0, 1) k WHERE camera_id = %d`, id))
}

func addCrossings(t *testing.T, pool *pgxpool.Pool, line, direction, label string, at ...string) {
	t.Helper()
	for i, time := range at {
		_, err := pool.Exec(t.Context(), `INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
			VALUES ($1, 1, 1, 0, $2, $3, $4, 0, $5)`, time, line, i, direction, label)
		require.NoError(t, err)
	}
	_, err := pool.Exec(t.Context(), "SELECT sightlog_rebuild()")
	require.NoError(t, err)
}

func at(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

// asked checks the answers of a report as CSV.
func asked(t *testing.T, pool *pgxpool.Pool, name string, answers map[string]query.Filter) {
	t.Helper()
	for want, f := range answers {
		require.Equal(t, want, answer(t, pool, report(name, f), "csv"), "%s %+v", name, f)
	}
}

const peopleHead = "frames,detections,max_people,avg_people,seconds,coverage,dropped\n"

func TestPeople_Buckets_CoverageTellsNobodyFromNotWatched(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:59:30Z", "2026-05-01 11:01:00Z"}, [2]string{"2026-05-01 13:00:00Z", "2026-05-01 13:00:10Z"})
	_, err := pool.Exec(t.Context(), "UPDATE sightings SET people = 0, objects = 0 WHERE captured_at >= '2026-05-01 13:00Z'")
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "SELECT sightlog_rebuild()")
	require.NoError(t, err)
	hour := "yard,2026-05-01T%d:00:00Z,%s\n"
	asked(t, pool, "people", map[string]query.Filter{
		"camera,minute," + peopleHead + `yard,2026-05-01T10:59:00Z,30,60,1,1.00,30,0.500,0
yard,2026-05-01T11:00:00Z,60,120,1,1.00,60,1.000,2
yard,2026-05-01T13:00:00Z,10,0,0,0.00,10,0.167,2
`: {},
		"camera,hour," + peopleHead + fmt.Sprintf(hour, 10, "30,60,1,1.00,30,0.008,0") + fmt.Sprintf(hour, 11, "60,120,1,1.00,60,0.017,2") +
			fmt.Sprintf(hour, 12, "0,,,,0,0.000,0") + fmt.Sprintf(hour, 13, "10,0,0,0.00,10,0.003,2"): {Bucket: "1h"},
		"camera,hour," + peopleHead + fmt.Sprintf(hour, 12, "0,,,,0,0.000,0"):                                                   {Bucket: "1h", Since: at("2026-05-01T12:00:00Z"), Until: at("2026-05-01T13:00:00Z")},
		"camera,hour," + peopleHead + fmt.Sprintf(hour, 13, "10,0,0,0.00,10,0.003,2") + fmt.Sprintf(hour, 14, "0,,,,0,0.000,0"): {Bucket: "1h", Since: at("2026-05-01T13:00:00Z"), Until: at("2026-05-01T15:00:00Z")},
		"camera,hour," + peopleHead: {Bucket: "1h", Since: at("2026-05-01T08:00:00Z"), Until: at("2026-05-01T10:00:00Z")}, // before its first frame
		"camera,hour," + peopleHead + fmt.Sprintf(hour, 10, "30,60,1,1.00,30,0.008,0") + fmt.Sprintf(hour, 11, "60,120,1,1.00,60,0.017,2"):                                                    {Bucket: "1h", Run: "yard-0"},
		"camera,day," + peopleHead + "yard,2026-05-01T00:00:00Z,100,180,1,0.90,100,0.001,4\n":                                                                                                 {Bucket: "1d"},
		"camera,minute," + peopleHead + "yard,2026-05-01T10:59:00Z,30,,0,0.00,30,0.500,0\nyard,2026-05-01T11:00:00Z,60,,1,0.50,60,1.000,2\nyard,2026-05-01T13:00:00Z,10,,1,1.00,10,0.167,2\n": {Zone: "door"},
	})
}

// Two runs of a camera that overlap have frames in the same seconds.
func TestPeople_OverlappingRuns_SecondsCountOnce(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:20Z"}, [2]string{"2026-05-01 10:00:10Z", "2026-05-01 10:00:30Z"})
	asked(t, pool, "people", map[string]query.Filter{"camera,minute," + peopleHead + "yard,2026-05-01T10:00:00Z,40,80,1,1.00,30,0.500,2\n": {}})
}

// The days of a change of the clock have 23 and 25 hours, and in Asia/Beirut one begins at 01:00.
func TestPeople_DaysOfATimeZone_FollowItsClock(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-03-28 22:59:50Z", "2026-03-28 23:00:10Z"}, [2]string{"2026-03-30 22:00:00Z", "2026-03-30 22:00:05Z"},
		[2]string{"2026-10-24 22:00:00Z", "2026-10-24 22:15:00Z"}, [2]string{"2026-10-25 22:59:59Z", "2026-10-25 23:00:01Z"})
	day := func(f query.Filter) query.Filter { f.Bucket, f.TZ = "1d", "Europe/Berlin"; return f }
	asked(t, pool, "people", map[string]query.Filter{
		"camera,day," + peopleHead + `yard,2026-03-28T00:00:00+01:00,10,20,1,1.00,10,0.000,0
yard,2026-03-29T00:00:00+01:00,10,20,1,1.00,10,0.000,2
yard,2026-03-30T00:00:00+02:00,0,,,,0,0.000,0
yard,2026-03-31T00:00:00+02:00,5,10,1,1.00,5,0.000,0
`: day(query.Filter{Until: at("2026-03-31T22:00:00Z")}),
		"camera,day," + peopleHead + `yard,2026-10-25T00:00:00+02:00,901,1802,1,1.00,901,0.010,30
yard,2026-10-26T00:00:00+01:00,1,2,1,1.00,1,0.000,0
`: day(query.Filter{Since: at("2026-10-24T22:00:00Z"), Until: at("2026-10-26T23:00:00Z")}),
	})
	beirut := answer(t, pool, report("people", query.Filter{Bucket: "1d", TZ: "Asia/Beirut", Until: at("2026-03-30T21:00:00Z")}), "csv")
	require.Equal(t, "camera,day,"+peopleHead+`yard,2026-03-29T01:00:00+03:00,20,40,1,1.00,20,0.000,2
yard,2026-03-30T00:00:00+03:00,0,,,,0,0.000,0
`, beirut)
}

func TestPeople_HalfHourZone_HoursBeginThere(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:25:00Z", "2026-05-01 10:35:00Z"})
	asked(t, pool, "people", map[string]query.Filter{"camera,hour," + peopleHead + `yard,2026-05-01T15:00:00+05:30,300,600,1,1.00,300,0.083,10
yard,2026-05-01T16:00:00+05:30,300,600,1,1.00,300,0.083,10
`: {Bucket: "1h", TZ: "Asia/Kolkata"}})
}

func TestBusiest_Hours_ByAverage(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:10Z"}, [2]string{"2026-05-01 12:00:00Z", "2026-05-01 12:00:05Z"}, [2]string{"2026-05-01 13:00:00Z", "2026-05-01 13:00:05Z"})
	_, err := pool.Exec(t.Context(), "UPDATE sightings SET people = 3 WHERE captured_at BETWEEN '2026-05-01 12:00:01Z' AND '2026-05-01 12:00:59Z'")
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "SELECT sightlog_rebuild()")
	require.NoError(t, err)
	asked(t, pool, "busiest", map[string]query.Filter{
		"camera,hour,max_people,avg_people,frames,seconds,coverage,dropped\nyard,2026-05-01T12:00:00Z,3,2.60,5,5,0.001,0\nyard,2026-05-01T10:00:00Z,1,1.00,10,10,0.003,2\n": {Top: 2},
	})
}

func TestOccupancy_Now_WatermarkAndAge(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:45Z"})
	addCamera(t, pool, "gate", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	got := answer(t, pool, report("occupancy", query.Filter{}), "csv")
	require.Regexp(t, `^camera,zone,people,up_to,age_s
gate,,1,2026-05-01T10:00:04Z,\d+\.\d
gate,door,1,2026-05-01T10:00:04Z,\d+\.\d
yard,,1,2026-05-01T10:00:44Z,\d+\.\d
yard,door,0,2026-05-01T10:00:44Z,\d+\.\d
$`, got)
	require.Regexp(t, `^camera,zone,people,up_to,age_s
gate,door,1,2026-05-01T10:00:04Z,\d+\.\d
$`, answer(t, pool, report("occupancy", query.Filter{Camera: "gate", Zone: "door"}), "csv"))
	_, err := pool.Exec(t.Context(), "TRUNCATE sightings")
	require.NoError(t, err)
	require.Contains(t, answer(t, pool, report("occupancy", query.Filter{}), "csv"), "gate,door,,2026", "unknown, not nobody")
}

func TestOccupancy_OverTime_EachZone(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:10Z", "2026-05-01 10:01:00Z"}, [2]string{"2026-05-01 12:00:30Z", "2026-05-01 12:00:45Z"})
	head := "camera,zone,%s,max_people,avg_people,frames,seconds,coverage,dropped,up_to\n"
	const upTo = "2026-05-01T12:00:44Z\n"
	asked(t, pool, "occupancy", map[string]query.Filter{
		fmt.Sprintf(head, "hour") +
			"yard,,2026-05-01T10:00:00Z,1,1.00,50,50,0.014,0," + upTo + "yard,,2026-05-01T11:00:00Z,,,0,0,0.000,0," + upTo + "yard,,2026-05-01T12:00:00Z,1,1.00,15,15,0.004,0," + upTo +
			"yard,door,2026-05-01T10:00:00Z,1,0.40,50,50,0.014,0," + upTo + "yard,door,2026-05-01T11:00:00Z,,,0,0,0.000,0," + upTo + "yard,door,2026-05-01T12:00:00Z,0,0.00,15,15,0.004,0," + upTo: {Bucket: "1h"},
		fmt.Sprintf(head, "minute") + "yard,door,2026-05-01T12:00:00Z,0,0.00,15,15,0.250,0," + upTo: {Zone: "door", Since: at("2026-05-01T11:00:00Z")},
	})
}

func TestCrossings_InOutAndBalance_NoneIsNotUnwatched(t *testing.T) {
	t.Parallel()
	pool := street(t, "porch", [2]string{"2026-05-01 12:00:30Z", "2026-05-01 12:02:00Z"}, [2]string{"2026-05-01 14:00:00Z", "2026-05-01 14:00:06Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 12:00:35Z", "2026-05-01 12:00:40Z")
	addCrossings(t, pool, "gate", "out", "person", "2026-05-01 12:01:01Z")
	addCrossings(t, pool, "gate", "in", "car", "2026-05-01 12:01:02Z", "2026-05-01 12:01:03Z", "2026-05-01 12:01:04Z")
	addCrossings(t, pool, "road", "out", "person", "2026-05-01 12:01:02Z", "2026-05-01 15:00:00Z")
	asked(t, pool, "crossings", map[string]query.Filter{
		`camera,minute,line,in,out,balance,frames,seconds,coverage,dropped
porch,2026-05-01T12:00:00Z,gate,2,0,2,30,30,0.500,0
porch,2026-05-01T12:00:00Z,road,0,0,0,30,30,0.500,0
porch,2026-05-01T12:01:00Z,gate,3,1,2,60,60,1.000,2
porch,2026-05-01T12:01:00Z,road,0,1,-1,60,60,1.000,2
porch,2026-05-01T14:00:00Z,gate,0,0,0,6,6,0.100,2
porch,2026-05-01T14:00:00Z,road,0,0,0,6,6,0.100,2
porch,2026-05-01T15:00:00Z,road,0,1,-1,0,0,0.000,0
`: {}, // the last before its frame
		`camera,hour,line,in,out,balance,frames,seconds,coverage,dropped
porch,2026-05-01T12:00:00Z,gate,2,1,1,90,90,0.025,2
porch,2026-05-01T13:00:00Z,gate,,,,0,0,0.000,0
porch,2026-05-01T14:00:00Z,gate,0,0,0,6,6,0.002,2
`: {Line: "gate", Class: "Person", Bucket: "1h"},
	})
}

func TestReports_VisitsAndDwell_LengthsInSeconds(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:10Z", "2026-05-01 10:01:20Z"}, [2]string{"2026-05-01 12:00:40Z", "2026-05-01 12:01:00Z"})
	asked(t, pool, "visits", map[string]query.Filter{
		`camera,zone,entered_at,left_at,dwell_s,run,track_id,label,frames
yard,door,2026-05-01T10:00:10Z,2026-05-01T10:00:29Z,19.000,yard-0,29627160,person,20
yard,door,2026-05-01T10:01:00Z,2026-05-01T10:01:19Z,19.000,yard-0,29627161,person,20
`: {},
		"camera,zone,entered_at,left_at,dwell_s,run,track_id,label,frames\n": {Class: "car"},
		`camera,zone,entered_at,left_at,dwell_s,run,track_id,label,frames
yard,door,2026-05-01T10:01:00Z,2026-05-01T10:01:19Z,19.000,yard-0,29627161,person,20
`: {Zone: "door", Class: "person", Since: at("2026-05-01T10:00:20Z")},
	})
	_, err := pool.Exec(t.Context(), "UPDATE visits SET left_at = entered_at + interval '4.5 s' WHERE track_id = 29627160")
	require.NoError(t, err)
	asked(t, pool, "dwell", map[string]query.Filter{
		`camera,zone,hour,n,median_s,p95_s,max_s,frames,seconds,coverage,dropped
yard,door,2026-05-01T10:00:00Z,2,4.500,19.000,19.000,70,70,0.019,2
yard,door,2026-05-01T11:00:00Z,,,,,0,0,0.000,0
yard,door,2026-05-01T12:00:00Z,0,,,,20,20,0.006,0
`: {},
		`camera,zone,day,n,median_s,p95_s,max_s,frames,seconds,coverage,dropped
yard,door,2026-05-01T00:00:00Z,0,,,,90,90,0.001,2
`: {Bucket: "1d", Class: "car", Zone: "door"},
	})
}

func TestTracks_Filters_NarrowRows(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:10Z", "2026-05-01 10:01:20Z"})
	head := "camera,first_at,last_at,duration_s,run,track_id,label,score,frames\n"
	first := "yard,2026-05-01T10:00:10Z,2026-05-01T10:00:59Z,49.000,yard-0,29627160,person,0.9,50\n"
	asked(t, pool, "tracks", map[string]query.Filter{
		head + first + "yard,2026-05-01T10:01:00Z,2026-05-01T10:01:19Z,19.000,yard-0,29627161,person,0.9,20\n": {},
		head + first: {Class: "person", MinScore: 0.9, Until: at("2026-05-01T10:01:00Z")},
		head:         {MinScore: 0.91},
	})
}

func TestGaps_AnyLength_WholeSecondsWithoutAFrame(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard",
		[2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:20Z"}, // then 10 seconds within a minute
		[2]string{"2026-05-01 10:00:30Z", "2026-05-01 10:00:50Z"}, // 9 seconds
		[2]string{"2026-05-01 10:00:59Z", "2026-05-01 10:01:55Z"}, // 15 seconds over a minute's boundary
		[2]string{"2026-05-01 10:02:10Z", "2026-05-01 10:03:00Z"}, // two whole minutes
		[2]string{"2026-05-01 10:05:00Z", "2026-05-01 10:06:00Z"})
	addCamera(t, pool, "gate", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"}, [2]string{"2026-05-01 10:00:03Z", "2026-05-01 10:00:07Z"}, [2]string{"2026-05-02 00:00:00Z", "2026-05-02 00:00:01Z"})
	head := "camera,began,ended,seconds\n"
	gate := "gate,2026-05-01T10:00:07Z,2026-05-02T00:00:00Z,50393\n"
	one, two, three := "yard,2026-05-01T10:00:20Z,2026-05-01T10:00:30Z,10\n", "yard,2026-05-01T10:01:55Z,2026-05-01T10:02:10Z,15\n", "yard,2026-05-01T10:03:00Z,2026-05-01T10:05:00Z,120\n"
	nine := "yard,2026-05-01T10:00:50Z,2026-05-01T10:00:59Z,9\n"
	asked(t, pool, "gaps", map[string]query.Filter{
		head + gate + one + two + three:       {},
		head + one + nine + two + three:       {Camera: "yard", Gap: 8500 * time.Millisecond},
		head + gate + two + three:             {Gap: 11 * time.Second},
		head + gate + three:                   {Gap: 2 * time.Minute},
		head + gate:                           {Gap: time.Hour},
		head + gate + two:                     {Since: at("2026-05-01T10:02:00Z"), Until: at("2026-05-01T10:03:00Z")},
		head + three:                          {Camera: "yard", Since: at("2026-05-01T10:04:00Z"), Until: at("2026-05-01T10:04:30Z")}, // around what was asked
		head:                                  {Camera: "yard", Since: at("2026-05-01T10:05:00Z")},
		"camera,began,ended,seconds\n" + gate: {Camera: "gate", Since: at("2026-05-01T20:00:00Z"), Until: at("2026-05-01T21:00:00Z")},
	})
}

func TestHeatmap_Detections_FeetByCell(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:20Z", "2026-05-01 10:00:40Z"})
	addCamera(t, pool, "gate", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	_, err := pool.Exec(t.Context(), "UPDATE sightings SET class_ids = NULL, boxes = NULL, track_ids = NULL, zone_set_ids = NULL WHERE camera_id = 2")
	require.NoError(t, err)
	head := "camera,x,y,n,frames,seconds,dropped\n"
	asked(t, pool, "heatmap", map[string]query.Filter{
		head + "gate,,,0,5,5,0\nyard,9,2,20,20,20,0\nyard,3,8,20,20,20,0\n": {Grid: 10},
		head + "yard,0,0,40,20,20,0\n":                                      {Grid: 1, Camera: "yard"},
		head + "yard,3,8,20,20,20,0\n":                                      {Grid: 10, Camera: "yard", Class: "person"},
		head + "yard,3,8,10,20,20,0\n":                                      {Grid: 10, Camera: "yard", Zone: "door"},
		head + "yard,28,6,20,20,20,0\nyard,9,25,20,20,20,0\n":               {Camera: "yard", MinScore: 0.65},
		head + "yard,9,25,20,20,20,0\n":                                     {Camera: "yard", MinScore: 0.66},
		head:                                                                {Grid: 10, Since: at("2026-05-02T00:00:00Z")},
	})
}

// Frames without detections that have no rows (--store people) were watched: a camera with
// nobody is not one that did not look. Minutes whose rows are gone are no part of the answer.
func TestHeatmap_FramesWithoutRows_AreWatched(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:20Z", "2026-05-01 10:03:40Z"})
	addCamera(t, pool, "gate", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:01:05Z"})
	exec(t, pool, `UPDATE sightings SET people = 0, objects = 0, class_ids = NULL, boxes = NULL, track_ids = NULL, zone_set_ids = NULL
		WHERE camera_id = 2 OR extract(second FROM captured_at) >= 30`)
	exec(t, pool, "SELECT sightlog_rebuild()")
	head := "camera,x,y,n,frames,seconds,dropped\n"
	answers := map[string]query.Filter{
		head + "gate,,,0,65,65,2\nyard,0,0,200,200,200,6\n": {Grid: 1},
		head + "gate,,,0,65,65,2\nyard,0,0,140,160,160,4\n": {Grid: 1, Since: at("2026-05-01T10:00:00Z"), Until: at("2026-05-01T10:03:00Z")},
	}
	asked(t, pool, "heatmap", answers)
	exec(t, pool, "DELETE FROM sightings WHERE objects = 0")
	asked(t, pool, "heatmap", answers)
	exec(t, pool, "DELETE FROM sightings WHERE captured_at >= '2026-05-01 10:01:00Z' AND captured_at < '2026-05-01 10:02:00Z'")
	asked(t, pool, "heatmap", map[string]query.Filter{head + "gate,,,0,65,65,2\nyard,0,0,140,140,140,4\n": {Grid: 1}})
}

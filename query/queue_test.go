package query_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
)

// line is a camera with a frame each second of two minutes, the newest at 10:01:59, and
// visits of zone door; one person is there in the first half of each minute.
func line(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:02:00Z"})
	for _, sql := range []string{
		"DELETE FROM visits", "DELETE FROM tracks",
		`INSERT INTO visits (run_id, track_id, zone, entered_at, left_at, camera_id, frames) VALUES
		 (1, 1, 'door', '2026-05-01 10:00:00Z', '2026-05-01 10:00:20Z', 1, 1),
		 (1, 2, 'door', '2026-05-01 10:00:10Z', '2026-05-01 10:00:14Z', 1, 1),
		 (1, 3, 'door', '2026-05-01 10:00:30Z', '2026-05-01 10:01:30Z', 1, 1),
		 (1, 4, 'door', '2026-05-01 10:00:50Z', '2026-05-01 10:01:55Z', 1, 1),
		 (1, 5, 'door', '2026-05-01 10:01:49Z', '2026-05-01 10:01:49Z', 1, 1), -- ten seconds ago: not over
		 (1, 6, 'door', '2026-05-01 10:00:00Z', '2026-05-01 10:01:59Z', 1, 1), -- a car
		 (1, 7, 'door', '2026-04-30 10:01:00Z', '2026-05-01 10:01:58Z', 1, 1), -- for more than a day
		 (1, 8, 'door', '2026-05-01 10:01:00Z', '2026-05-01 10:01:59Z', 1, 1)  -- a thing`,
		`INSERT INTO tracks (run_id, track_id, camera_id, class_id, first_at, last_at, frames, score, path, thing)
		 SELECT 1, id, 1, CASE id WHEN 6 THEN 2 ELSE 0 END, '2026-05-01 10:00:00Z', '2026-05-01 10:02:00Z', 1, 1, '{}', id = 8 FROM generate_series(2, 8) id`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	return pool
}

func TestQueue_Now_WhoIsNotGone(t *testing.T) {
	t.Parallel()
	pool := street(t, "gate", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:45Z"}) // nobody for 15 s
	const head = "camera,zone,people,median_s,longest_s,up_to,age_s\n"
	require.Regexp(t, "^"+head+`gate,door,0,,,2026-05-01T10:00:44Z,\d+\.\d
$`, answer(t, pool, report("queue", query.Filter{}), "csv"))

	pool = line(t)
	require.Regexp(t, "^"+head+`yard,door,2,10.000,69.000,2026-05-01T10:01:59Z,\d+\.\d
$`, answer(t, pool, report("queue", query.Filter{Zone: "door"}), "csv"))
}

func TestQueue_OverTime_LengthAndWait(t *testing.T) {
	t.Parallel()
	pool := line(t)
	head := ",avg_people,max_people,n,median_s,p90_s,frames,seconds,coverage,dropped\n"
	asked(t, pool, "queue", map[string]query.Filter{
		"camera,zone,hour" + head + "yard,door,2026-05-01T10:00:00Z,0.50,1,3,20.000,60.000,120,120,0.033,4\n": {Bucket: "1h"},
		"camera,zone,minute" + head +
			"yard,door,2026-05-01T10:00:00Z,0.50,1,2,4.000,20.000,60,60,1.000,2\nyard,door,2026-05-01T10:01:00Z,0.50,1,1,60.000,60.000,60,60,1.000,2\n": {Bucket: "1m"},
		"camera,zone,minute" + head + "yard,door,2026-05-01T10:01:00Z,0.50,1,1,60.000,60.000,60,60,1.000,2\n": {Bucket: "1m", Zone: "door", Since: at("2026-05-01T10:01:00Z")},
		"camera,zone,minute" + head + "yard,door,2026-05-01T10:00:00Z,0.50,1,2,4.000,20.000,60,60,1.000,2\n":  {Bucket: "1m", Camera: "yard", Until: at("2026-05-01T10:01:00Z")},
	})
	_, err := pool.Exec(t.Context(), "UPDATE runs SET finished_at = '2026-05-01 10:02:00Z'")
	require.NoError(t, err)
	asked(t, pool, "queue", map[string]query.Filter{ // all are over
		"camera,zone,hour" + head + "yard,door,2026-05-01T10:00:00Z,0.50,1,5,20.000,65.000,120,120,0.033,4\n": {Bucket: "1h"},
	})
}

func TestVisits_MinDwell_LongerOnesAlone(t *testing.T) {
	t.Parallel()
	pool := line(t)
	const head = "camera,zone,entered_at,left_at,dwell_s,run,track_id,label,frames\n"
	asked(t, pool, "visits", map[string]query.Filter{
		head + "yard,door,2026-05-01T10:00:30Z,2026-05-01T10:01:30Z,60.000,yard-0,3,person,1\nyard,door,2026-05-01T10:00:50Z,2026-05-01T10:01:55Z,65.000,yard-0,4,person,1\n": {
			MinDwell: time.Minute, Class: "person", Since: at("2026-05-01T10:00:00Z"),
		},
	})
	asked(t, pool, "dwell", map[string]query.Filter{
		"camera,zone,hour,n,median_s,p95_s,max_s,frames,seconds,coverage,dropped\nyard,door,2026-05-01T10:00:00Z,3,65.000,119.000,119.000,120,120,0.033,4\n": {
			MinDwell: time.Minute, Since: at("2026-05-01T10:00:00Z"), Until: at("2026-05-01T11:00:00Z"),
		},
	})
}

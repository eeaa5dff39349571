package query_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
)

// The tracks of a rule are left out where it is asked for, and stay where it is not.
func TestReports_WithoutStaff_TracksOfARuleAreLeftOut(t *testing.T) {
	t.Parallel()
	// The first track begins out of the zone, the second in it.
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:40Z", "2026-05-01 10:01:50Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 10:00:45Z", "2026-05-01 10:01:40Z")
	run(t, pool, "UPDATE crossings SET track_id = CASE WHEN captured_at < '2026-05-01 10:01Z' THEN 29627160 ELSE 29627161 END",
		"INSERT INTO staff_rules (camera, rule, longer_than) VALUES ('yard', 'longer_than', '45 s')")
	tracks := func(of query.Filter) string { return answer(t, pool, report("tracks", of), "csv") }
	require.Contains(t, tracks(query.Filter{}), "29627161")
	require.NotContains(t, tracks(query.Filter{NoStaff: true}), "29627161")
	require.Contains(t, tracks(query.Filter{NoStaff: true}), "29627160")

	const head = "camera,minute,line,in,out,balance,frames,seconds,coverage,dropped\n"
	asked(t, pool, "crossings", map[string]query.Filter{
		head + "yard,2026-05-01T10:00:00Z,gate,1,0,1,20,20,0.333,0\nyard,2026-05-01T10:01:00Z,gate,1,0,1,50,50,0.833,2\n": {},
		head + "yard,2026-05-01T10:00:00Z,gate,1,0,1,20,20,0.333,0\nyard,2026-05-01T10:01:00Z,gate,0,0,0,50,50,0.833,2\n": {NoStaff: true},
		head + "yard,2026-05-01T10:00:00Z,gate,1,0,1,20,20,0.333,0\n":                                                     {NoStaff: true, Class: "person", Since: at("2026-05-01T10:00:50Z"), Until: at("2026-05-01T10:00:55Z")},
	})
	const visits = "camera,zone,entered_at,left_at,dwell_s,run,track_id,label,frames\n"
	asked(t, pool, "visits", map[string]query.Filter{
		visits + "yard,door,2026-05-01T10:01:00Z,2026-05-01T10:01:29Z,29.000,yard-0,29627161,person,30\n": {},
		visits: {NoStaff: true},
	})
	hour := "camera,zone,hour,n,median_s,p95_s,max_s,frames,seconds,coverage,dropped\nyard,door,2026-05-01T10:00:00Z,"
	asked(t, pool, "dwell", map[string]query.Filter{
		hour + "1,29.000,29.000,29.000,70,70,0.019,2\n": {},
		hour + "0,,,,70,70,0.019,2\n":                   {NoStaff: true},
	})
}

package query_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
)

// Questions of an hour or of now look rows up by an index, and read no partition or
// totals of other times.
func TestReports_OfAnHourOrNow_UseIndexes(t *testing.T) {
	t.Parallel()
	pool := month(t, 40_000)
	hour := query.Filter{Camera: "cam-3", Since: time.Now().Add(-25 * time.Hour), Until: time.Now().Add(-24 * time.Hour)}
	for name, f := range map[string]query.Filter{"people": hour, "occupancy": {}, "visits": hour, "tracks": hour, "latest": {}, "gaps": hour, "dwell": hour} {
		require.NotRegexp(t, `Seq Scan on (sightings_2|camera_minutes|zone_minutes|visits|tracks)[^(]*\(actual`, plan(t, pool, report(name, f), "ANALYZE, COSTS off, TIMING off"), name)
	}
}

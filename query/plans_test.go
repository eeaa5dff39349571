package query_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// Questions of an hour or of now look rows up by an index, and read no partition or
// totals of other times.
func TestReports_OfAnHourOrNow_UseIndexes(t *testing.T) {
	t.Parallel()
	pool := month(t, 40_000)
	hour := query.Filter{Camera: "cam-3", Since: time.Now().Add(-25 * time.Hour), Until: time.Now().Add(-24 * time.Hour)}
	for name, f := range map[string]query.Filter{"people": hour, "occupancy": {}, "queue": {}, "visits": hour, "tracks": hour, "latest": {}, "gaps": hour, "dwell": hour, "balance": {}} {
		require.NotRegexp(t, `Seq Scan on (sightings_2|camera_minutes|zone_minutes|crossing_minutes|crossings|visits|tracks)[^(]*\(actual`, plan(t, pool, report(name, f), "ANALYZE, COSTS off, TIMING off"), name)
	}
}

// What goes over all times reads the totals alone: its cost does not go with the sightings.
func TestReports_OfAllTimes_ReadNoSightings(t *testing.T) {
	t.Parallel()
	pool := seen(t)
	for _, name := range []string{"people", "busiest"} {
		text := plan(t, pool, report(name, query.Filter{}), "COSTS off")
		require.Contains(t, text, "camera_minutes", name)
		require.NotContains(t, text, "sightings", name)
	}
}

// A role may have a statement_timeout: one line says what to do.
func TestReport_ServersTimeout_OneLine(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	tx, err := pgtest.Pool(t, address).Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), "LOCK TABLE camera_minutes") // the report waits for it until its time is over
	require.NoError(t, err)
	err = report("people", query.Filter{}).Answer(t.Context(), pgtest.Pool(t, address+"&statement_timeout=3000"), io.Discard, "csv")
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "canceling statement due to statement timeout; ask for less (--since")
	require.False(t, strings.Contains(err.Error(), "\n"))
}

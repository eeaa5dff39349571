package sink_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

// The rows that each transaction updates have room beside them: an update writes no index (it
// is "heap-only"), and the next one takes the space of a version before. So the tables stay as
// small as they are, however many transactions there are, and no vacuum is waited for.
func TestSink_ManyTransactions_UpdatesAreHeapOnlyAndTablesStaySmall(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWorldOn(t, pgtest.Pool(t, url))
	for _, table := range []string{"sink_offsets", "latest_sightings", "camera_minutes", "camera_half_hours", "zone_minutes", "tracks", "visits"} {
		_, err := w.pool.Exec(t.Context(), "ALTER TABLE "+table+" SET (autovacuum_enabled = off)")
		require.NoError(t, err)
	}
	own := pgtest.Pool(t, url) // its sessions report what they did when they end
	stop := w.start(func(c *sink.Config) { c.Pool, c.Consumers = own, 1 }, maxRecords(5))
	cameras := []string{"porch", "yard", "gate", "hall", "door", "shop"}
	var recs []*kgo.Record
	for n := range 1000 {
		for i, camera := range cameras {
			recs = append(recs, record(t, busy(camera, n, int64(i))))
		}
	}
	w.produce(recs...)
	w.drain()
	stop()
	own.Close()
	w.await("the sink's sessions to have ended", func() bool {
		return w.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'") ==
			int(w.pool.Stat().TotalConns())
	})

	for table, pages := range map[string]int{
		"sink_offsets": 2, "latest_sightings": 2, "camera_minutes": 4, "camera_half_hours": 4, "zone_minutes": 8, "tracks": 12, "visits": 4,
	} {
		var updates, hot, size int
		require.NoError(t, w.pool.QueryRow(t.Context(),
			"SELECT n_tup_upd, n_tup_hot_upd, pg_relation_size(relid) / 8192 FROM pg_stat_user_tables WHERE relname = $1", table).Scan(&updates, &hot, &size))
		t.Logf("%-18s %5d updates, %5d of them heap-only, %d pages", table, updates, hot, size)
		require.Greater(t, updates, 1000, table)
		require.GreaterOrEqual(t, hot, updates*99/100, "%s: updates that are heap-only, of %d", table, updates)
		require.LessOrEqual(t, size, pages, "%s: pages", table)
	}
}

// busy is the n-th of a camera's sightings, ten a second, with a person who stays in the zone.
func busy(camera string, n int, person int64) *event.Sighting {
	s := sighting(camera, "run-of-"+camera, n)
	s.CapturedAt = event.At(origin.Truncate(time.Hour).Add(time.Duration(n) * 100 * time.Millisecond))
	s.Objects = []event.Object{{Label: "person", Score: .5, Box: event.Box{10, 20, 30, 90}, TrackID: &person, Zones: []string{fmt.Sprint("zone ", person)}}}
	return s
}

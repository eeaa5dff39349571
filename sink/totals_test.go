package sink_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

// walk is the n-th sighting of a camera on which one person stands in zone door
// with interruptions and another crosses the yard, 4 frames a second.
func walk(n int) *event.Sighting {
	s := sighting("porch", "r1", n)
	at := origin.Truncate(time.Minute).Add(time.Duration(n) * 250 * time.Millisecond)
	s.CapturedAt = event.At(at)
	s.DroppedBefore = int64(n % 2)
	one, two := int64(1), int64(2)
	s.Objects = nil
	if n < 40 || n >= 60 && n < 100 || n >= 180 { // away for 5 s, then for 20 s
		s.Objects = append(s.Objects, event.Object{Label: "person", Score: .5 + float32(n%7)/100, Box: event.Box{10, 20, 30, 90}, TrackID: &one,
			Zones: []string{"door", "all"}})
	}
	if n >= 30 && n < 50 {
		x := float32(4 * n)
		s.Objects = append(s.Objects, event.Object{Index: len(s.Objects), Label: "dog", ClassID: 16, Score: .4, Box: event.Box{x, 20, x + 8, 40}, TrackID: &two})
		s.Objects = append(s.Objects, event.Object{Index: len(s.Objects), Label: "person", Score: .3, Box: event.Box{x, 20, x + 8, 40}, Zones: []string{"all"}})
	}
	return s
}

// A thing counts as a detection, and no more. Its visit of before it was known is left out
// of the view, and is one again if it moves in the end.
func TestTotals_Things_AreNoPeople(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 13, 2000} {
		w := newWorld(t)
		var recs []*kgo.Record
		for n := range 120 {
			s := sighting("porch", "r1", n)
			s.CapturedAt = event.At(origin.Truncate(time.Minute).Add(time.Duration(n) * time.Second))
			s.Objects = nil
			for i := range 4 {
				id := int64(i)
				o := event.Object{Index: i, Label: "person", Score: .9, Box: event.Box{10, 20, 30, 90}, TrackID: &id, Zones: []string{"door"}}
				switch {
				case i == 1 && n < 20:
					o.State = event.StateStationary
				case i >= 2 && n < 10:
					o.State = event.StateNew
				case i == 2, i == 3 && n < 60:
					o.State, o.Zones = event.StateThing, nil
				}
				s.Objects = append(s.Objects, o)
			}
			recs = append(recs, record(t, s))
		}
		w.produce(recs...)
		w.start(maxRecords(size))
		w.drain()
		pgtest.TotalsAgree(t, w.pool)
		require.Equal(t, 10*4+50*2+60*3, w.number("SELECT sum(people) FROM v_sightings"))
		require.Equal(t, 10*4+50*2+60*3, w.number("SELECT sum(people) FROM zone_minutes"))
		require.Equal(t, 120*4, w.number("SELECT sum(detections) FROM v_minutes"))
		require.Equal(t, 110+50, w.number("SELECT count(*) FROM v_detections WHERE state = 'thing' AND zones IS NULL"))
		require.Equal(t, 20, w.number("SELECT count(*) FROM v_detections WHERE state = 'stationary' AND track_id = 1"))
		require.Equal(t, 20, w.number("SELECT count(*) FROM v_detections WHERE state = 'new'"))
		require.Equal(t, 2, w.number("SELECT track_id FROM v_tracks WHERE thing"))
		require.Equal(t, 4, w.number("SELECT count(*) FROM v_visits"), "0, 1 and two of 3")
		require.Equal(t, 0, w.number("SELECT count(*) FROM v_visits WHERE track_id = 2"))
	}
}

// The totals are the same whatever the transactions are, and those of the rows.
func TestTotals_TracksAndZones_AreThoseOfTheRows(t *testing.T) {
	t.Parallel()
	var want []string
	for _, size := range []int{1, 7, 240, 2000} {
		w := newWorld(t)
		var recs []*kgo.Record
		for n := range 240 {
			recs = append(recs, record(t, walk(n)))
		}
		for n := range 60 {
			recs = append(recs, crossing(t, "porch", "r1", n))
		}
		w.produce(recs...)
		w.start(maxRecords(size))
		w.drain()
		pgtest.TotalsAgree(t, w.pool)
		got := pgtest.Totals(t, w.pool)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%d records a transaction", size)
		if size > 1 {
			continue
		}
		require.Equal(t, 240, w.number("SELECT sum(frames) FROM v_minutes"))
		require.Equal(t, 60, w.number("SELECT sum(seconds) FROM v_minutes"))
		require.Equal(t, 120, w.number("SELECT sum(dropped) FROM v_minutes"))
		require.Equal(t, 140, w.number("SELECT sum(people_frames) FROM v_zone_minutes WHERE zone = 'door'"))
		require.Equal(t, 160, w.number("SELECT sum(people) FROM zone_minutes WHERE zone = 'all'"))
		require.Equal(t, 2, w.number("SELECT max(max_people) FROM v_zone_minutes WHERE zone = 'all'"))
		require.Equal(t, 30, w.number("SELECT sum(crossings) FROM v_crossing_minutes WHERE direction = 'in'"))
		require.Equal(t, 140, w.number("SELECT frames FROM v_tracks WHERE track_id = 1 AND label = 'person' AND score > .555"))
		require.Equal(t, 6, w.number("SELECT cardinality(path) / 2 FROM v_tracks WHERE track_id = 2 AND label = 'dog'"))
		require.Equal(t, 124, w.number("SELECT path[1] FROM tracks WHERE track_id = 2"), "the middle of the lower edge")
		// 5 s away is the same visit, 20 s away is another.
		require.Equal(t, 2, w.number("SELECT count(*) FROM v_visits WHERE zone = 'door'"))
		require.Equal(t, 24750, w.number("SELECT 1000 * extract(epoch FROM dwell) FROM v_visits WHERE zone = 'door' ORDER BY entered_at LIMIT 1"))
		require.Equal(t, 239, w.number("SELECT seq FROM latest_sightings"))
	}
}

// A sighting that comes late, as a dead letter that is produced again does, is added
// where it belongs.
func TestTotals_LateSightings_AreAddedWhereTheyBelong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(maxRecords(50))
	var late []*kgo.Record
	for n := range 240 {
		r := record(t, walk(n))
		if n == 20 || n == 70 || n == 71 || n == 200 {
			late = append(late, r)
			continue
		}
		w.produce(r)
	}
	w.drain()
	w.produce(late...)
	w.drain()
	require.Equal(t, 240, w.number("SELECT sum(frames) FROM v_minutes"))
	require.Equal(t, 2, w.number("SELECT count(*) FROM v_visits WHERE zone = 'door'"))
	pgtest.TotalsAgree(t, w.pool)
}

// Sightings come in blocks whose order a producer that retries has changed, some twice: the first
// of a visit after its end, those between two visits after both, those of a track's middle last.
func TestTotals_BlocksOutOfOrder_AreThoseOfTheRows(t *testing.T) {
	t.Parallel()
	blocks := [][2]int{{60, 80}, {0, 40}, {40, 60}, {100, 180}, {200, 240}, {80, 100}, {180, 200}, {0, 40}}
	for size, begun := range map[int]int{20: 3, 240: 2} { // of 20 records, those of 0 to 5 s are more than 10 s before the first
		w := newWorld(t)
		for n := range 240 {
			w.produce(record(t, walk(n)))
		}
		w.start()
		w.drain()
		mixed := newWorld(t)
		mixed.start(maxRecords(size), func(c *sink.Config) { c.Outbox, c.Consumers = []string{sink.OutboxVisits}, 1 })
		for _, b := range blocks {
			var recs []*kgo.Record
			for n := b[0]; n < b[1]; n++ {
				recs = append(recs, record(t, walk(n)))
			}
			mixed.produce(recs...)
			mixed.drain() // a transaction of their own
		}
		pgtest.TotalsAgree(t, mixed.pool)
		require.Equal(t, pgtest.Totals(t, w.pool), pgtest.Totals(t, mixed.pool), "%d records a transaction", size)
		require.Equal(t, 2, mixed.number("SELECT count(*) FROM v_visits WHERE zone = 'door'"))
		require.Equal(t, begun, mixed.number("SELECT count(*) FROM outbox WHERE payload->>'zone' = 'door'"), "a visit that begins earlier after all does not begin twice")
	}
}

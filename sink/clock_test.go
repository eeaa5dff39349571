package sink_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
)

// visitor is the n-th frame of a live run: one person stands in zone door, four frames a second.
func visitor(n int, at time.Time) *event.Sighting {
	s := sighting("porch", "r1", n)
	s.SourceKind, s.CapturedAt = event.SourceStream, event.At(at)
	id := int64(1)
	s.Objects = []event.Object{{Label: "person", Score: .5, Box: event.Box{10, 20, 30, 90}, TrackID: &id, Zones: []string{"door"}}}
	return s
}

// crossingAt is the crossing of a frame.
func crossingAt(t testing.TB, s *event.Sighting) *kgo.Record {
	t.Helper()
	c := s.Crossing()
	c.Line, c.Direction, c.TrackID, c.Label = "gate", event.In, 1, "person"
	return crossingRecord(t, &c)
}

// wrongClocks are the frames of a minute, half of them an hour ago, with one of 1970 and one of 2100 between.
func wrongClocks(t testing.TB) (recs []*kgo.Record) {
	t.Helper()
	for n := range 120 {
		at := origin.Truncate(time.Hour).Add(time.Duration(n) * 250 * time.Millisecond)
		if n < 60 {
			at = at.Add(-3 * time.Hour)
		}
		switch n {
		case 30:
			at = time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC)
		case 90:
			at = time.Date(2100, 1, 1, 0, 0, 1, 0, time.UTC)
		}
		s := visitor(n, at)
		recs = append(recs, record(t, s))
		if n%30 == 0 {
			recs = append(recs, crossingAt(t, s))
		}
	}
	return recs
}

// Two frames of a wrong clock do no harm to any answer: none has a row for each hour of a century,
// and the newest sighting is not of 2100 but that of now.
func TestSink_FramesOf1970And2100_EachReportIsShortAndLatestIsOfNow(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 50, 1000} { // the wrong frame alone, among others, and all in one
		w := newWorld(t)
		w.produce(wrongClocks(t)...)
		w.start(maxRecords(size))
		w.drain()
		require.Empty(t, w.letters(kafka.Sightings))
		require.Equal(t, 120, w.number("SELECT count(*) FROM sightings"))
		require.Equal(t, 119, w.number("SELECT seq FROM latest_sightings"), "%d records a transaction", size)
		pgtest.TotalsAgree(t, w.pool)
		if size > 1 {
			continue
		}
		since, until := origin.Add(-4*time.Hour), origin.Add(time.Hour)
		for _, r := range query.Reports {
			for _, bucket := range []string{"", "1m", "1h", "1d"} {
				for _, f := range []query.Filter{{}, {Since: since}, {Until: until}, {Since: since, Until: until}, {Since: time.Unix(0, 0)}} {
					f.Bucket = bucket
					for _, format := range []string{"csv", "json", "parquet", "table"} {
						var out bytes.Buffer
						require.NoError(t, r.Question(f).Answer(t.Context(), w.pool, &out, format), "%s %+v", r.Name, f)
						require.NotZero(t, out.Len())
						require.Less(t, strings.Count(out.String(), "\n"), 100, "%s %+v", r.Name, f)
					}
				}
			}
		}
		hours := pgtest.Lines(t, w.pool, "SELECT count(*) FROM v_minutes WHERE minute < '1971-01-01' OR minute > '2099-01-01'")
		require.Equal(t, []string{"2"}, hours, "the frames of the wrong clock are there")
	}
}

// A camera whose clock is ahead for good has a newest sighting all the same.
func TestSink_AllFramesAhead_LatestIsTheNewestOfThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(maxRecords(7))
	for n := range 40 {
		w.produce(record(t, visitor(n, origin.AddDate(0, 0, 1).Add(time.Duration(n)*time.Second))))
	}
	w.drain()
	require.Equal(t, 39, w.number("SELECT seq FROM latest_sightings"))
	pgtest.TotalsAgree(t, w.pool)
	w.produce(record(t, visitor(40, origin)))
	w.drain()
	require.Equal(t, 40, w.number("SELECT seq FROM latest_sightings"), "the clock was set right")
	w.produce(record(t, visitor(41, origin.AddDate(0, 0, 1).Add(time.Hour))))
	w.drain()
	require.Equal(t, 40, w.number("SELECT seq FROM latest_sightings"))
	pgtest.TotalsAgree(t, w.pool)
}

// A live source's clock is set back by an hour, then ahead by a day, then right: each frame is
// there once, and the totals are those of the rows, whatever the transactions are.
func TestSink_ClockJumpsBetweenFrames_EachFrameOnceAndTotalsOfTheRows(t *testing.T) {
	t.Parallel()
	var want []string
	for _, size := range []int{1, 13, 150, 2000} {
		w := newWorld(t)
		var recs []*kgo.Record
		for n := range 400 {
			at := origin.Truncate(time.Minute).Add(time.Duration(n) * 250 * time.Millisecond)
			switch n / 100 {
			case 1:
				at = at.Add(-time.Hour)
			case 2:
				at = at.Add(24 * time.Hour)
			}
			recs = append(recs, record(t, visitor(n, at)))
			if n%50 == 0 {
				recs = append(recs, crossingAt(t, visitor(n, at)))
			}
		}
		w.produce(recs...)
		w.start(maxRecords(size))
		w.drain()
		require.Empty(t, w.letters(kafka.Sightings))
		require.Empty(t, w.letters(kafka.Crossings))
		require.Equal(t, 400, w.number("SELECT count(DISTINCT seq) FROM sightings"))
		require.Equal(t, 400, w.number("SELECT sum(frames) FROM v_minutes"))
		require.Equal(t, 8, w.number("SELECT sum(crossings) FROM v_crossing_minutes"))
		require.Equal(t, 400, w.number("SELECT frames FROM v_tracks"))
		require.Equal(t, 400, w.number("SELECT sum(frames) FROM v_visits"))
		require.Equal(t, 0, w.number("SELECT count(*) FROM v_visits WHERE left_at < entered_at OR dwell > '1 h'"))
		require.Equal(t, 399, w.number("SELECT seq FROM latest_sightings"))
		pgtest.TotalsAgree(t, w.pool)
		got := pgtest.Totals(t, w.pool)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%d records a transaction", size)
		w.produce(recs...) // the log has them twice
		w.drain()
		require.Equal(t, want, pgtest.Totals(t, w.pool))
	}
}

package sink_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

// walks are 240 sightings of which 90 have no detections, and 60 crossings.
func walks(t testing.TB) (recs []*kgo.Record) {
	t.Helper()
	for n := range 240 {
		recs = append(recs, record(t, walk(n)))
	}
	for n := range 60 {
		recs = append(recs, crossing(t, "porch", "r1", n))
	}
	return recs
}

// rewind has the log read again from its start.
func (w *world) rewind() {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), "UPDATE sink_offsets SET next = 0, last_offset = NULL, last_epoch = NULL, last_digest = NULL")
	require.NoError(w, err)
}

func storing(s sink.Store) func(*sink.Config) { return func(c *sink.Config) { c.Store = s } }

func TestStore_Choices_DifferInRowsAndNotInTotals(t *testing.T) {
	t.Parallel()
	var want []string
	for store, rows := range map[sink.Store]int{sink.StoreAll: 240, sink.StorePeople: 150, sink.StoreTracks: 0} {
		w := newWorld(t)
		w.produce(walks(t)...)
		stop := w.start(maxRecords(50), storing(store))
		w.drain()
		if want == nil {
			want = pgtest.Totals(t, w.pool)
		}
		require.Equal(t, rows, w.number("SELECT count(*) FROM sightings"), store)
		require.Equal(t, want, pgtest.Totals(t, w.pool), store)
		pgtest.TotalsAgree(t, w.pool) // what is not there is not computed from the rest

		stop()
		w.rewind()
		stop = w.start(maxRecords(70), storing(store))
		w.drain()
		require.Equal(t, want, pgtest.Totals(t, w.pool), "%s: the log read again", store)
		require.Empty(t, w.letters("sightings"))
		stop()

		w.produce(walks(t)...)
		again := walks(t)
		for i := range again { // next to each other, so in one transaction, and before the rest
			w.produce(again[i])
		}
		more := record(t, walk(240))
		w.produce(more, record(t, walk(240)), record(t, walk(241)))
		stop = w.start(maxRecords(1000), storing(store))
		w.drain()
		stop()
		require.Equal(t, 242, w.number("SELECT sum(frames) FROM v_minutes"), store)
		require.Equal(t, 241, w.number("SELECT seq FROM latest_sightings"))
		require.Empty(t, w.letters("sightings"))
	}
}

// Whoever changes --store has in the totals what was counted, once.
func TestStore_Changed_LogReadAgain_CountsNothingTwice(t *testing.T) {
	t.Parallel()
	for from, to := range map[sink.Store]sink.Store{sink.StoreAll: sink.StorePeople, sink.StorePeople: sink.StoreTracks, sink.StoreTracks: sink.StoreAll} {
		t.Run(fmt.Sprintf("%s, then %s", from, to), func(t *testing.T) {
			w := newWorld(t)
			w.produce(walks(t)...)
			stop := w.start(maxRecords(50), storing(from))
			w.drain()
			want := pgtest.Totals(t, w.pool)
			rows := w.number("SELECT count(*) FROM sightings")
			stop()
			w.rewind()
			w.start(maxRecords(70), storing(to))
			w.drain()
			require.Equal(t, want, pgtest.Totals(t, w.pool))
			require.Equal(t, rows, w.number("SELECT count(*) FROM sightings"))
			require.Empty(t, w.letters("sightings"))
		})
	}
}

// The totals outlive the sightings, so a log that is read again finds frames that are
// counted and not there. Those of a minute that was never counted are written.
func TestRetention_LogReadAgain_CountsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recs := walks(t)
	w.produce(recs[:200]...)
	s, stop := w.sink(maxRecords(50), keep(sink.Keep{Sightings: 30 * day}))
	w.drain()
	_, err := w.pool.Exec(t.Context(), "UPDATE runs SET finished_at = now()")
	require.NoError(t, err)
	want := pgtest.Totals(t, w.pool)
	later := time.Now().Add(40 * day)
	require.NoError(t, s.Retain(t.Context(), later, noPause))
	require.Zero(t, w.number("SELECT count(*) FROM sightings"))
	pgtest.TotalsAgree(t, w.pool)
	require.Equal(t, want, pgtest.Totals(t, w.pool))
	stop()

	w.rewind()
	stop = w.start(maxRecords(70))
	w.drain()
	require.Equal(t, want, pgtest.Totals(t, w.pool))
	require.Zero(t, w.number("SELECT count(*) FROM sightings"))
	w.produce(recs[200:]...) // goes on, late
	w.drain()
	stop()
	require.Equal(t, 240, w.number("SELECT sum(frames) FROM v_minutes"))
	require.Equal(t, 40, w.number("SELECT count(*) FROM sightings"))
	require.NoError(t, s.Retain(t.Context(), later, noPause))
	require.Zero(t, w.number("SELECT count(*) FROM sightings"))
}

// Sinks write while days go.
func TestRetention_WhileSinksWrite_NothingIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 20 {
		_, err := w.pool.Exec(t.Context(), "SELECT sightlog_ensure_day($1)", origin.Add(-time.Duration(100+n)*day))
		require.NoError(t, err)
	}
	s, _ := w.sink(maxRecords(20), keep(sink.Keep{Sightings: 30 * day}))
	const each = 40
	for round := range 10 {
		w.fill(round*each, (round+1)*each, "porch", "yard")
		require.NoError(t, ignoreHeld(s.Retain(t.Context(), time.Now(), noPause)))
	}
	w.drain()
	w.exactly(10*each, "porch", "yard")
	w.await("all days to be dropped", func() bool {
		require.NoError(t, ignoreHeld(s.Retain(t.Context(), time.Now(), noPause)))
		return w.number("SELECT count(*) FROM pg_class WHERE relname ~ '^sightings_[0-9]{8}$' AND to_date(right(relname, 8), 'YYYYMMDD') < current_date - 50") == 0
	})
}

// ignoreHeld drops the errors that mean: next time.
func ignoreHeld(err error) error {
	if errors.Is(err, sink.ErrHeld) || sink.IsElsewhere(err) {
		return nil
	}
	return err
}

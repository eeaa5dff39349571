package sink_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// Each crossing and each visit that begins is in the outbox once: not again when the log
// has it again, or when a visit goes on in another transaction.
func TestOutbox_CrossingsAndVisits_AreThereOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := func(c *sink.Config) { c.Outbox = []string{sink.OutboxCrossings, sink.OutboxVisits} }
	stop := w.start(both, maxRecords(7))
	w.walk("porch", 700, 50)
	w.drain()
	stop()
	w.start(both)
	w.walk("porch", 700, 50) // once more
	w.produce(crossing(t, "yard", "run-of-yard", 3))
	w.drain()
	require.Positive(t, w.number("SELECT count(*) FROM visits WHERE frames > 7"), "they span transactions")
	require.Equal(t, pgtest.Lines(t, w.pool, `SELECT concat_ws('/', camera, run, seq, track_id, line), captured_at, direction FROM v_crossings ORDER BY 1`),
		pgtest.Lines(t, w.pool, `SELECT event_id, captured_at, payload->>'direction' FROM outbox WHERE kind = 'crossing' ORDER BY 1`))
	require.Equal(t, pgtest.Lines(t, w.pool, `SELECT camera, run, track_id, zone, entered_at FROM v_visits ORDER BY 1, 2, 3, 4, 5`),
		pgtest.Lines(t, w.pool, `SELECT payload->>'camera', payload->>'run', payload->>'track_id', payload->>'zone', (payload->>'captured_at')::timestamptz
			FROM outbox WHERE kind = 'visit' ORDER BY 1, 2, 3::bigint, 4, 5`))
	require.Equal(t, 0, w.number("SELECT count(*) - count(DISTINCT (kind, event_id)) FROM outbox"))
	require.Equal(t, w.number("SELECT count(*) FROM outbox"), w.number("SELECT count(*) FROM outbox WHERE due <= now()"))
	pgtest.TotalsAgree(t, w.pool)
}

// Without the choice nothing is written, and a transaction that fails leaves nothing.
func TestOutbox_NotChosenOrRolledBack_IsEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.walk("porch", 300, 50)
	w.drain()
	stop()
	require.Zero(t, w.number("SELECT count(*) FROM outbox"))

	_, err := w.pool.Exec(t.Context(), "ALTER TABLE sightings ADD CONSTRAINT no_thirteen CHECK (seq <> 1013)")
	require.NoError(t, err)
	w.start(func(c *sink.Config) { c.Outbox = []string{sink.OutboxVisits} })
	at := event.Box{90, 20, 95, 60}
	var recs []*kgo.Record
	for seq := range 3 {
		s := sighting("porch", "next", 1012+seq)
		id := int64(seq)
		s.Objects = []event.Object{{Label: "person", Score: 0.8, Box: at, TrackID: &id, Zones: []string{"right"}}}
		recs = append(recs, record(t, s))
	}
	w.produce(recs...)
	w.drain()
	require.Len(t, w.letters(kafka.Sightings), 1)
	require.Equal(t, []string{"0", "2"}, pgtest.Lines(t, w.pool, "SELECT payload->>'track_id' FROM outbox ORDER BY 1"), "not of the record that was refused")
}

package sink_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// crossing is a way across a line in the n-th frame of a run.
func crossing(t testing.TB, camera, run string, n int) *kgo.Record {
	t.Helper()
	c := sighting(camera, run, n).Crossing()
	c.Line, c.Direction, c.TrackID, c.Label = "gate", []string{event.In, event.Out}[n%2], int64(n+1), "person"
	return crossingRecord(t, &c)
}

func crossingRecord(t testing.TB, c *event.Crossing) *kgo.Record {
	t.Helper()
	b, err := c.Encode()
	require.NoError(t, err)
	return &kgo.Record{Topic: kafka.Crossings, Key: []byte(c.Camera), Value: b,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaCrossing)}}}
}

func TestSink_ZonesAndCrossings_InTheTablesOnce(t *testing.T) {
	t.Parallel()
	odd := []string{"door", `say "hi"`, `back\slash`, "{a,b}", "NULL", "Türe", "two words"}
	for _, frames := range []int{30, 900} { // one round trip, and COPY
		t.Run(fmt.Sprint(frames), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var recs []*kgo.Record
			crossings := 0
			for n := range frames {
				s := sighting("porch", "r1", n)
				for i := range s.Objects {
					s.Objects[i].Zones = odd[:(n+i)%len(odd)]
				}
				recs = append(recs, record(t, s))
				if n%10 == 3 {
					recs = append(recs, crossing(t, "porch", "r1", n))
					crossings++
				}
			}
			for range 2 { // produced twice, as by a second broker: there once
				w.produce(recs...)
			}
			w.start(func(c *sink.Config) { c.Consumers = 1 })
			w.drain()

			rows, err := w.pool.Query(t.Context(), "SELECT seq, object_index, zones FROM v_detections")
			require.NoError(t, err)
			found := 0
			for rows.Next() {
				var n, i int
				var zones []string
				require.NoError(t, rows.Scan(&n, &i, &zones))
				require.Equal(t, odd[:(n+i)%len(odd)], append([]string{}, zones...))
				found++
			}
			require.NoError(t, rows.Err())
			require.Equal(t, people(0, frames), found)
			require.Equal(t, frames, w.number("SELECT count(*) FROM sightings"))
			require.Equal(t, crossings, w.number("SELECT count(*) FROM crossings"))
			require.Equal(t, crossings, w.number(`SELECT count(*) FROM v_crossings WHERE camera = 'porch' AND run = 'r1' AND line = 'gate'
				AND track_id = seq + 1 AND direction = CASE seq % 2 WHEN 0 THEN 'in' ELSE 'out' END AND label = 'person' AND model = 'm'`))
			require.Equal(t, crossings, w.number("SELECT count(*) FROM crossings JOIN sightings USING (captured_at, camera_id, run_id, seq)"))
		})
	}
}

func TestSink_CrossingBeforeItsSighting_Stored(t *testing.T) {
	t.Parallel()
	var want []string
	for _, order := range [][]*kgo.Record{
		{record(t, sighting("porch", "r1", 4)), crossing(t, "porch", "r1", 4)},
		{crossing(t, "porch", "r1", 4), record(t, sighting("porch", "r1", 4))},
	} {
		w := newWorld(t)
		w.start()
		for _, rec := range order {
			w.produce(rec)
			w.drain()
		}
		got := dump(t, w.pool)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got)
	}
}

func TestSink_CrossingCannotBeStored_DeadLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nul := sighting("porch", "r1", 0).Crossing()
	nul.Line, nul.Direction = "a\x00b", event.In // PostgreSQL holds no such text
	b, err := nul.Encode()
	require.NoError(t, err)
	w.produce(
		&kgo.Record{Topic: kafka.Crossings, Key: []byte("porch"), Value: []byte("rubbish")}, // by the topic, without a header
		&kgo.Record{Topic: kafka.Crossings, Key: []byte("porch"), Value: b},
		crossing(t, "porch", "r1", 1),
	)
	w.start()
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM crossings"))
	require.Len(t, w.letters(kafka.Crossings), 2)
}

package sink_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

func TestEventThatComesAgain_WithOtherContent_IsADeadLetterAndTheFirstStays(t *testing.T) {
	t.Parallel()
	for name, apart := range map[string]bool{"in one transaction": false, "later": true} {
		for _, frames := range []int{10, 900} { // by statements, by COPY
			t.Run(fmt.Sprintf("%s %d", name, frames), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				reg := prometheus.NewRegistry()
				begin := func() { w.start(func(c *sink.Config) { c.Consumers, c.Metrics = 1, reg }) }
				if apart {
					begin()
				}
				w.fill(0, frames, "porch")
				if apart {
					w.drain()
				}
				track := int64(9)
				spoil := []func(*event.Sighting){
					func(s *event.Sighting) { s.Objects = append(s.Objects, s.Objects[0]); s.Objects[2].Index = 2 },
					func(s *event.Sighting) { s.Objects = s.Objects[:1] },
					func(s *event.Sighting) { s.Objects[1].Score = 0.25 },
					func(s *event.Sighting) { s.Objects[0].Box[2]++ },
					func(s *event.Sighting) { s.Objects[0].TrackID = &track },
					func(s *event.Sighting) { s.Objects[0].Zones = []string{"door"} },
					func(s *event.Sighting) { s.Frame.Width++ },
					func(s *event.Sighting) { s.PTS++ },
				}
				var recs []*kgo.Record
				for _, f := range spoil {
					s := sighting("porch", "run-of-porch", 5)
					f(s)
					recs = append(recs, record(t, s))
				}
				again := sighting("porch", "run-of-porch", 5) // sent again, looked at again
				again.InferredAt, again.ProducedAt = event.Time{}, again.GrabbedAt
				w.produce(append(recs, record(t, again), record(t, sighting("porch", "run-of-porch", 4)))...)
				if !apart {
					begin()
				}
				w.fill(frames, frames+5, "porch")
				w.drain()
				w.exactly(frames+5, "porch")
				require.Equal(t, 2, w.number("SELECT count(*) FROM detections WHERE seq = 5"))
				letters := w.letters(kafka.Sightings)
				require.Len(t, letters, len(spoil))
				for _, l := range letters {
					require.Contains(t, head(l, kafka.HeaderDeadCause), "the tables hold this event with other content")
				}
				require.Equal(t, float64(len(spoil)), gauge(t, reg, "sightlog_sink_rejected_total", "other content", kafka.Sightings))
			})
		}
	}
}

func TestSink_KeyOfAnotherCamera_DeadLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reg := prometheus.NewRegistry()
	w.start(func(c *sink.Config) { c.Metrics = reg })
	other, none := record(t, sighting("porch", "r1", 1)), record(t, sighting("porch", "r1", 2))
	other.Key, none.Key = []byte("yard"), nil
	s := sighting("porch", "r1", 4)
	x := s.Crossing()
	x.Line, x.Direction, x.TrackID, x.Label = "gate", event.In, 5, "person"
	b, err := x.Encode()
	require.NoError(t, err)
	crossing := &kgo.Record{Topic: kafka.Crossings, Key: []byte("yard"), Value: b}
	run := runRecord(t, &event.Run{ID: "r1", Camera: "porch", SourceKind: event.SourceFile, StartedAt: event.At(origin)})
	run.Key = []byte("r2")
	w.produce(other, none, crossing, run)
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM sightings"), "a record without a key contradicts nothing")
	for _, topic := range []string{kafka.Sightings, kafka.Crossings, kafka.Runs} {
		letters := w.letters(topic)
		require.Len(t, letters, 1, topic)
		require.Contains(t, head(letters[0], kafka.HeaderDeadCause), "the record's key is", topic)
		require.Equal(t, 1.0, gauge(t, reg, "sightlog_sink_rejected_total", "key", topic))
	}
}

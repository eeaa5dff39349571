package sink_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

func TestRecords_NotStorable_AreDeadLettersAndTheOthersStored(t *testing.T) {
	t.Parallel()
	for _, frames := range []int{60, 900} { // below and above what is tried with COPY first
		t.Run(fmt.Sprint(frames), func(t *testing.T) { t.Parallel(); testBadRecords(t, frames) })
	}
}

func testBadRecords(t *testing.T, frames int) {
	t.Helper()
	w := newWorld(t)
	_, err := w.pool.Exec(t.Context(), "ALTER TABLE sightings ADD CONSTRAINT no_thirteen CHECK (seq <> 13)")
	require.NoError(t, err)

	spoilt := map[int]func(*event.Sighting){
		7:  func(s *event.Sighting) { s.Objects[0].ClassID, s.Objects[0].Label = 5, "per\x00son" }, // 22021
		13: func(*event.Sighting) {},                                                               // 23514
		28: func(s *event.Sighting) { s.Objects[0].ClassID = math.MaxInt32 + 1 },                   // 22003
		29: func(s *event.Sighting) { s.Frame.Width = math.MaxInt32 + 1 },                          // 22003
		// Not decodable:
		40: func(s *event.Sighting) { s.Camera = "Not A Camera" },
		41: func(s *event.Sighting) { s.Objects[0].Score = 1.5 },
		43: func(s *event.Sighting) { s.Objects[0].Box = event.Box{30, 20, 10, 60} },
		44: func(s *event.Sighting) { s.CapturedAt = event.At(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) },
	}
	var recs []*kgo.Record
	for n := range frames {
		s := sighting("porch", "run-of-porch", n)
		if spoil, ok := spoilt[n]; ok {
			spoil(s)
		}
		r := record(t, s)
		r.Key = []byte("porch") // one partition
		recs = append(recs, r)
	}
	junk := &kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: []byte("{not json"),
		Timestamp: time.Now().Add(-time.Hour)} // long in the log, and still rejected
	strange := record(t, sighting("porch", "run-of-porch", 1))
	strange.Key = []byte("porch")
	strange.Headers = []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte("sightlog.sighting.v9")}}
	recs = append(recs, junk, strange)
	w.produce(recs...)

	reg := prometheus.NewRegistry()
	w.start(func(c *sink.Config) { c.Metrics = reg })
	w.drain()
	require.Equal(t, 6.0, gauge(t, reg, "sightlog_sink_rejected_total", "invalid", kafka.Sightings))
	require.Equal(t, 4.0, gauge(t, reg, "sightlog_sink_rejected_total", "database", kafka.Sightings))
	require.Equal(t, frames-8, w.number("SELECT count(*) FROM sightings"))
	letters := w.letters(kafka.Sightings)
	causes := make(map[string]string)
	for _, l := range letters {
		require.Equal(t, kafka.Sightings, head(l, kafka.HeaderDeadTopic))
		require.Equal(t, "porch", head(l, kafka.HeaderDeadKey))
		require.Equal(t, fmt.Sprintf("sightings/%s/%s", head(l, kafka.HeaderDeadPartition), head(l, kafka.HeaderDeadOffset)), string(l.Key))
		causes[head(l, kafka.HeaderDeadOffset)] = head(l, kafka.HeaderDeadCause)
		require.Equal(t, recs[atoi(t, head(l, kafka.HeaderDeadOffset))].Value, l.Value)
	}
	for offset, want := range map[string]string{
		"7": "invalid byte sequence", "13": "no_thirteen", "28": "out of range", "29": "smallint out of range",
		"40": `camera "Not A Camera"`, "41": "score", "43": "box", "44": "captured_at 9999", fmt.Sprint(frames): "invalid character", fmt.Sprint(frames + 1): `schema "sightlog.sighting.v9" is unknown`,
	} {
		require.Contains(t, causes[offset], want)
	}
	require.Len(t, letters, 10, "%v", causes)
}

func atoi(t testing.TB, s string) (n int) {
	t.Helper()
	_, err := fmt.Sscan(s, &n)
	require.NoError(t, err)
	return n
}

func TestBatch_OfBadRecordsAlone_IsDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var recs []*kgo.Record
	for range 50 {
		recs = append(recs, &kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: []byte("x")},
			&kgo.Record{Topic: kafka.Runs, Key: []byte("r"), Value: []byte("x")})
	}
	w.produce(recs...)
	w.start()
	w.drain()
	require.Len(t, w.letters(kafka.Sightings), 50)
	require.Len(t, w.letters(kafka.Runs), 50)
}

func TestDeadLetter_NotWritable_PausesItsPartitionAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kmsg.IncrementalAlterConfigs)
	w.limitMessages(kafka.DeadTopic(kafka.Sightings), 1)
	reg := prometheus.NewRegistry()
	s, stop := w.sink(func(c *sink.Config) { c.DeadTimeout, c.Metrics = time.Second, reg })
	w.fill(0, 10, "porch", "yard", "gate", "door")
	w.produce(&kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: []byte("x")})
	w.fill(10, 20, "porch", "yard", "gate", "door")
	held := w.partitionOf("porch")
	free := 0
	for _, c := range []string{"yard", "gate", "door"} {
		if w.partitionOf(c) != held {
			free++
		}
	}
	require.Positive(t, free)
	w.await("the other partitions", func() bool {
		return w.number("SELECT count(*) FROM v_sightings WHERE camera <> 'porch'") >= 20*free &&
			w.number("SELECT count(*) FROM v_sightings WHERE camera = 'porch'") == 10
	})
	w.await("the held partition to be told", func() bool { return len(s.Blocked()) == 1 })
	blocked := s.Blocked()[0]
	require.Equal(t, sink.Waiting, blocked.State)
	require.Equal(t, held, int(blocked.Partition))
	require.Contains(t, blocked.Reason, "cannot be written to "+kafka.DeadTopic(kafka.Sightings))
	require.EqualValues(t, 1, gauge(t, reg, "sightlog_sink_partition_waiting", fmt.Sprint(held), kafka.Sightings))
	stop()
	require.Empty(t, w.letters(kafka.Sightings))
	require.Less(t, w.number("SELECT next FROM sink_offsets WHERE topic = 'sightings' AND partition = $1", held), 21*(4-free))

	w.limitMessages(kafka.DeadTopic(kafka.Sightings), 1<<20)
	s, _ = w.sink()
	w.drain()
	w.await("nothing to be blocked", func() bool { return len(s.Blocked()) == 0 })
	w.exactly(20, "porch", "yard", "gate", "door")
	require.Len(t, w.letters(kafka.Sightings), 1)
}

// The first and the last times and the largest frame that a record may have are rows; what
// is just beyond is a dead letter, and nothing waits for it.
func TestSink_LargestValues_RowsAndBeyondThemDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	at := func(seq int, year int) *event.Sighting {
		s := sighting("porch", "r1", seq)
		s.CapturedAt = event.At(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		return s
	}
	crowd := func(seq, n int) *event.Sighting {
		s := sighting("porch", "r1", seq)
		s.Objects = make([]event.Object, n)
		for i := range s.Objects {
			s.Objects[i] = event.Object{Index: i, Label: "person", Score: 0.5, Box: event.Box{-20, -10, 5, 9}} // in part outside of the frame
		}
		return s
	}
	for _, s := range []*event.Sighting{at(0, 1970), at(3, 2100), at(6, 2199), crowd(9, event.MaxObjects), at(12, 2201), at(15, 1969), crowd(18, event.MaxObjects+1), sighting("porch", "r1", 20)} {
		w.produce(record(t, s))
	}
	w.drain()
	require.Equal(t, []string{"0 1970-01-01 0", "3 2100-01-01 0", "6 2199-01-01 0"},
		pgtest.Lines(t, w.pool, "SELECT format('%s %s %s', seq, (captured_at AT TIME ZONE 'UTC')::date, objects) FROM sightings_default ORDER BY seq"))
	require.Equal(t, []string{"9 10000 -20 -10", "20 2 0 20"},
		pgtest.Lines(t, w.pool, "SELECT format('%s %s %s %s', seq, count(*), min(x1), min(y1)) FROM detections GROUP BY seq ORDER BY seq"))
	require.Equal(t, 10002, w.number("SELECT sum(detections) FROM camera_minutes"))
	var causes []string
	for _, l := range w.letters(kafka.Sightings) {
		causes = append(causes, head(l, kafka.HeaderDeadCause))
	}
	require.Len(t, causes, 3, "%v", causes)
	require.Contains(t, strings.Join(causes, "\n"), "10001 objects, at most 10000")
	require.Contains(t, strings.Join(causes, "\n"), "captured_at 2201")
	require.Contains(t, strings.Join(causes, "\n"), "captured_at 1969")
}

package sink_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

func TestSink_Sightings_OneRowEachAndOneAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.fill(0, 300, "porch", "yard", "gate")
	w.drain()
	require.Equal(t, 900, w.number("SELECT count(*) FROM sightings"))
	require.Equal(t, 900, w.number("SELECT count(DISTINCT (camera, run, seq)) FROM v_sightings"))
	require.Equal(t, 3*people(0, 300), w.number("SELECT count(*) FROM detections"))
	require.Equal(t, 3*people(0, 300), w.number("SELECT sum(people) FROM sightings"))
	require.Equal(t, 0, w.number("SELECT count(*) FROM sightings_default"))
	require.Equal(t, 3*people(0, 300), w.number("SELECT count(*) FROM v_detections WHERE label = 'person' AND camera = ANY('{porch,yard,gate}')"))
}

// A producer of another make may spell a class its own way; it is counted and
// found all the same.
func TestPeople_LabelsOfAnotherCase_AreCountedAndFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	s := sighting("porch", "r1", 5)
	s.Objects[0].Label, s.Objects[1].Label, s.Objects[1].ClassID = "Person", " PERSON", 7
	c := crossing(t, "porch", "r1", 5)
	c.Value = bytes.Replace(c.Value, []byte(`"label":"person"`), []byte(`"label":"Person"`), 1)
	w.produce(record(t, s), c)
	w.drain()
	require.Equal(t, 2, w.number("SELECT people FROM sightings"))
	require.Equal(t, 2, w.number("SELECT count(*) FROM v_detections WHERE label = 'person'"))
	require.Equal(t, 1, w.number("SELECT count(*) FROM v_crossings WHERE label = 'person'"))
}

func TestSink_Sighting_EveryFieldInItsRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	s := sighting("porch", "r1", 5)
	track := int64(77)
	s.Objects[1].TrackID = &track
	s.Objects[1].ClassID, s.Objects[1].Label = 2, "car"
	s.DroppedBefore = 4
	s.DecodedAt = event.Time{}
	w.produce(record(t, s))
	w.drain()

	var got event.Sighting
	var decoded *time.Time
	var people, objects int
	require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT captured_at, grabbed_at, decoded_at, inferred_at, produced_at, camera, run, seq, pts_us,
		dropped_before, width, height, people, objects, model FROM v_sightings`).Scan(
		&got.CapturedAt.Time, &got.GrabbedAt.Time, &decoded, &got.InferredAt.Time, &got.ProducedAt.Time, &got.Camera, &got.Run, &got.Seq,
		&got.PTS, &got.DroppedBefore, &got.Frame.Width, &got.Frame.Height, &people, &objects, &got.Model.Name))
	require.Nil(t, decoded)
	require.Equal(t, []int{1, 2}, []int{people, objects})
	require.WithinDuration(t, s.CapturedAt.Time, got.CapturedAt.Time, 0)
	require.WithinDuration(t, s.GrabbedAt.Time, got.GrabbedAt.Time, 0)
	require.WithinDuration(t, s.InferredAt.Time, got.InferredAt.Time, 0)
	require.WithinDuration(t, s.ProducedAt.Time, got.ProducedAt.Time, 0)
	require.Equal(t, []any{"porch", "r1", int64(5), int64(200_000), int64(4), event.Size{Width: 768, Height: 576}, "m"},
		[]any{got.Camera, got.Run, got.Seq, got.PTS, got.DroppedBefore, got.Frame, got.Model.Name})

	rows, err := w.pool.Query(t.Context(), "SELECT object_index, class_id, label, score, x1, y1, x2, y2, track_id FROM v_detections ORDER BY 1")
	require.NoError(t, err)
	var objs []event.Object
	for rows.Next() {
		var o event.Object
		require.NoError(t, rows.Scan(&o.Index, &o.ClassID, &o.Label, &o.Score, &o.Box[0], &o.Box[1], &o.Box[2], &o.Box[3], &o.TrackID))
		objs = append(objs, o)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, s.Objects, objs)
}

func TestSink_RunRecordsInAnyOrder_SameRun(t *testing.T) {
	t.Parallel()
	started := event.At(origin)
	begin := &event.Run{ID: "r1", Camera: "porch", SourceKind: event.SourceFile, Source: "a.mp4", Fingerprint: "f",
		Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"}, StartedAt: started}
	end := *begin
	end.FinishedAt, end.Outcome, end.Frames = event.At(origin.Add(time.Minute)), event.OutcomeFinished, 1
	seen := sighting("porch", "r1", 0)

	var want []string
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0, 2}, {0, 2, 1, 0}, {2, 0, 2, 1, 0}} {
		w := newWorld(t)
		stop := w.start()
		for _, i := range order {
			switch i {
			case 0:
				w.produce(runRecord(t, begin))
			case 1:
				w.produce(record(t, seen))
			case 2:
				w.produce(runRecord(t, &end))
			}
			w.drain()
		}
		stop()
		got := dump(t, w.pool)
		if want == nil {
			want = got
			require.Equal(t, 1, w.number("SELECT count(*) FROM runs WHERE outcome = 'finished' AND frames = 1 AND dropped = 0"))
		}
		require.Equal(t, want, got, "order %v", order)
	}
}

// A run whose source has grown goes on after it ended: its row is that of its
// last end.
func TestRun_ThatEndsAgain_ItsLastEndCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	defer w.start()()
	run := event.Run{ID: "r1", Camera: "porch", SourceKind: event.SourceFile, Source: "a.ts", Fingerprint: "f1", StartedAt: event.At(origin)}
	cut := run
	cut.FinishedAt, cut.Outcome, cut.Damage, cut.Frames = event.At(origin.Add(time.Minute)), event.OutcomeDamaged, "cut short", 1
	grown := run
	grown.Fingerprint = "f2"
	end := grown
	end.FinishedAt, end.Outcome, end.Frames = event.At(origin.Add(time.Hour)), event.OutcomeFinished, 2
	for _, r := range []*event.Run{&run, &cut, &grown} {
		w.produce(runRecord(t, r))
	}
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM runs WHERE damage = 'cut short' AND frames = 1 AND fingerprint = 'f2'"))
	w.produce(runRecord(t, &end))
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM runs WHERE damage IS NULL AND outcome = 'finished' AND frames = 2"))
}

func TestSink_LogReadIntoEmptyDatabase_SameRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.fill(0, 200, "porch", "yard")
	w.drain()
	stop()

	again := &world{TB: t, stream: w.stream, pool: pgtest.Open(t), cl: w.cl}
	again.start(func(c *sink.Config) { c.Consumers, c.MaxRecords = 1, 7 }) // the group's offsets are at the end: they do not count
	again.drain()
	require.Equal(t, dump(t, w.pool), dump(t, again.pool))
	require.Equal(t, 400, again.number("SELECT count(*) FROM sightings"))
}

func TestSink_LogReadAgain_NothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.fill(0, 100, "porch")
	w.fill(100, 1000, "porch", "yard") // enough for COPY, which a replay must not break
	w.drain()
	stop()
	before := dump(t, w.pool)
	_, err := w.pool.Exec(t.Context(), "DELETE FROM sink_offsets")
	require.NoError(t, err)
	w.start()
	w.drain()
	require.Equal(t, before, dump(t, w.pool))
}

func TestSink_GroupOffsets_FollowTheStoredOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kmsg.DescribeGroups)
	stop := w.start()
	w.fill(0, 50, "porch", "yard")
	w.drain()
	stop()
	adm := kadm.NewClient(w.cl)
	lags, err := adm.Lag(t.Context(), sink.Group)
	require.NoError(t, err)
	lag := lags[sink.Group]
	require.NoError(t, lag.Error())
	require.Empty(t, lag.Members, "the sink has left the group")
	offsets, err := adm.FetchOffsets(t.Context(), sink.Group)
	require.NoError(t, err)
	committed := 0
	offsets.Each(func(o kadm.OffsetResponse) { committed += int(o.At) })
	require.Equal(t, 100, committed)
}

func TestSink_Commits_Reported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	commits := make(chan sink.Commit, 1000) // more than the test has records
	w.start(func(c *sink.Config) { c.OnCommit = func(k sink.Commit) { commits <- k } })
	w.fill(0, 30, "porch")
	w.drain()
	var sum sink.Commit
	for sum.Sightings < 30 {
		k := <-commits
		sum.Records += k.Records
		sum.Sightings += k.Sightings
		sum.Detections += k.Detections
		sum.People += k.People
		require.Len(t, k.EndToEnd, k.Sightings)
	}
	require.Equal(t, sink.Commit{Records: 30, Sightings: 30, People: people(0, 30), Detections: people(0, 30)}, sum)
	w.await("the times of every batch", func() bool {
		return w.number("SELECT count(*) FROM sightings s JOIN batches b USING (batch_id) WHERE b.committed_at >= b.fetched_at") == 30
	})
}

func TestSink_TopicsCreatedLater_Read(t *testing.T) {
	t.Parallel()
	w := &world{TB: t, pool: pgtest.Open(t), stream: kafka.Config{Brokers: newBroker(t)}}
	w.cl = w.client()
	w.start()
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
	w.fill(0, 10, "porch")
	w.drain()
	require.Equal(t, 10, w.number("SELECT count(*) FROM sightings"))
}

func TestSink_TimestampOutOfRange_DefaultPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	s := sighting("porch", "r1", 2)
	s.CapturedAt = event.At(time.Date(1971, 2, 3, 4, 5, 6, 7000, time.UTC))
	past := sighting("porch", "r1", 1)
	past.CapturedAt = event.At(origin.AddDate(0, 0, -30))
	w.produce(record(t, s), record(t, past))
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM sightings_default"))
	require.Equal(t, 2, w.number("SELECT sum(objects) FROM sightings_default"))
	require.Equal(t, 1, w.number("SELECT count(*) FROM sightings_"+past.CapturedAt.Format("20060102")))
}

// Records that come within the delay are one transaction, up to its largest size.
func TestSink_BatchDelay_LaterRecordsJoinTheTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var sizes []int
	stop := w.start(func(c *sink.Config) {
		c.BatchDelay, c.MaxRecords, c.Consumers = time.Hour, 10, 1
		c.OnCommit = func(m sink.Commit) {
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, m.Records)
		}
	})
	for n := range 20 {
		w.produce(record(t, sighting([]string{"porch", "yard"}[n%2], "r", n))) // acknowledged, one after the other
	}
	w.drain()
	stop() // OnCommit is called after the rows can be read
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []int{10, 10}, sizes)
	require.Equal(t, 20, w.number("SELECT count(*) FROM v_sightings"))
}

func TestSink_BatchDelayOver_WritesWhatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(func(c *sink.Config) { c.BatchDelay = 20 * time.Millisecond })
	w.fill(0, 3, "porch")
	w.drain()
	w.exactly(3, "porch")
}

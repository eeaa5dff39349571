package sink_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// picture is a snapshot of a track in the n-th frame of run r1 of the porch.
func picture(track int64, n int, quality float32) *event.Snapshot {
	s := sighting("porch", "r1", n)
	return &event.Snapshot{
		Camera: s.Camera, Run: s.Run, TrackID: track, Crossing: event.BestOfTrack, Seq: s.Seq, SourceKind: s.SourceKind,
		CapturedAt: s.CapturedAt, Model: s.Model, Score: .5, Quality: quality, Box: event.Box{1, 2, 3, 4.5}, Region: event.Box{0, 0, 10, 20},
		Frame: s.Frame, Size: event.Size{Width: 10, Height: 20}, JPEG: fmt.Appendf(nil, "\xff\xd8 %d", n),
	}
}

func snapshotRecord(t testing.TB, s *event.Snapshot) *kgo.Record {
	t.Helper()
	b, err := s.Encode()
	require.NoError(t, err)
	return &kgo.Record{Topic: kafka.SnapshotTopic, Key: []byte(s.Key()), Value: b,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaSnapshot)}}}
}

// stored returns the frames of the pictures in the table, by track, crossing and step.
func stored(w *world) (all []string) {
	w.Helper()
	rows, err := w.pool.Query(w.Context(), `SELECT concat_ws(' ', track_id, crossing_seq, step, seq, convert_from(substr(jpeg, 4), 'UTF8')) FROM snapshots ORDER BY 1`)
	require.NoError(w, err)
	defer rows.Close()
	for rows.Next() {
		var line string
		require.NoError(w, rows.Scan(&line))
		all = append(all, line)
	}
	require.NoError(w, rows.Err())
	return all
}

// Records of a track in any order, in one transaction or many, and again: one row, with the best.
func TestSnapshots_BetterWorseAndAgain_TheBestIsThereOnce(t *testing.T) {
	t.Parallel()
	for _, records := range []int{1, 1000} {
		w := newWorld(t)
		at := picture(7, 3, 1)
		at.Crossing, at.Step = 3, 1
		for range 2 {
			for n, quality := range []float32{5, 9, 9, 2, 7} {
				w.produce(snapshotRecord(t, picture(7, n, quality)))
			}
			w.produce(snapshotRecord(t, picture(8, 6, 1)), snapshotRecord(t, at))
		}
		w.start(maxRecords(records))
		w.drain()
		require.Equal(t, []string{"7 -1 0 1 1", "7 3 1 3 3", "8 -1 0 6 6"}, stored(w))
		require.Equal(t, 3, w.number("SELECT count(*) FROM snapshots JOIN runs ON runs.id = run_id JOIN cameras c ON c.id = snapshots.camera_id"+
			" WHERE run = 'r1' AND c.name = 'porch' AND box = '{1,2,3,4.5}' AND region = '{0,0,10,20}' AND bytes = 4 AND snapshots.frame_width = 768"))
	}
}

func TestSnapshots_Erased_RowIsGoneUntilANewPicture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	erase := func(keys ...string) {
		require.NoError(t, kafka.EraseSnapshots(t.Context(), w.stream, keys))
	}
	w.produce(snapshotRecord(t, picture(7, 1, 9)), snapshotRecord(t, picture(8, 2, 9)))
	erase("porch/r1/7", "porch/elsewhere/7")
	w.produce(snapshotRecord(t, picture(9, 3, 9)))
	erase("porch/r1/9")
	w.produce(snapshotRecord(t, picture(9, 4, 1)))
	stop := w.start()
	w.drain()
	require.Equal(t, []string{"8 -1 0 2 2", "9 -1 0 4 4"}, stored(w))
	stop()

	erase("porch/r1/8")
	w.start()
	w.drain()
	require.Equal(t, []string{"9 -1 0 4 4"}, stored(w))
}

func TestSnapshots_UnusableRecords_AreDeadLettersAndNothingWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	noJPEG, otherPrivacy, otherKey := picture(7, 1, 9), picture(7, 1, 9), snapshotRecord(t, picture(7, 1, 9))
	otherPrivacy.Privacy = "hats"
	noJPEG.JPEG = []byte("GIF89a")
	otherKey.Key = []byte("porch/r1/8")
	w.produce(snapshotRecord(t, noJPEG), snapshotRecord(t, otherPrivacy), otherKey, snapshotRecord(t, picture(9, 3, 1)))
	w.produce(&kgo.Record{Topic: kafka.SnapshotTopic, Key: []byte("no key of one")})
	w.start()
	w.drain()
	require.Equal(t, []string{"9 -1 0 3 3"}, stored(w))
	letters, err := kafka.ReadDeadLetters(context.Background(), w.stream, kafka.SnapshotTopic)
	require.NoError(t, err)
	require.Len(t, letters, 4)
}

// What the log has deleted for its age while no sink read it is lost, and stops nothing: pictures are best effort.
func TestSnapshots_ExpiredInTheLogUnread_SinkGoesOnBehindThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kmsg.DeleteRecords)
	w.produce(snapshotRecord(t, picture(7, 1, 9)))
	stop := w.start()
	w.drain()
	stop()
	var missed []*kgo.Record
	for track := range int64(40) { // some in each partition
		missed = append(missed, snapshotRecord(t, picture(100+track, 2, 9)))
	}
	w.produce(missed...)
	adm := kadm.NewClient(w.cl)
	ends, err := adm.ListEndOffsets(t.Context(), kafka.SnapshotTopic)
	require.NoError(t, err)
	_, err = adm.DeleteRecords(t.Context(), ends.Offsets())
	require.NoError(t, err)
	w.produce(snapshotRecord(t, picture(7, 3, 10)), snapshotRecord(t, picture(8, 3, 9)))
	w.start()
	w.drain()
	require.Equal(t, []string{"7 -1 0 3 3", "8 -1 0 3 3"}, stored(w))
}

// addSnapshots adds one snapshot of 1000 bytes for each of the days ago.
func (p *past) addSnapshots(run int, days ...int) {
	p.Helper()
	for _, n := range days {
		p.exec(`INSERT INTO snapshots (run_id, track_id, camera_id, captured_at, seq, score, quality, box, region, frame_width, frame_height, width, height, bytes, jpeg)
			SELECT id, $2::bigint, camera_id, $3, 0, 1, 1, '{}', '{}', 1, 1, 1, 1, 1000, '' FROM runs WHERE id = $1`, run, n, ago(n))
	}
}

func noMetrics(c *sink.Config) { c.Metrics = nil }

func TestRetention_SnapshotsByDays_SevenByDefault(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(4000), ago(1))
	p.addSnapshots(run, 0, 6, 8, 20)
	p.retain(keep(sink.Keep{Snapshots: 10 * day}))
	require.Equal(t, 3, p.number("SELECT count(*) FROM snapshots"))
	p.retain(noMetrics)
	require.Equal(t, 2, p.number("SELECT count(*) FROM snapshots WHERE captured_at > $1", ago(7)))
	require.Equal(t, 2, p.number("SELECT count(*) FROM snapshots"))
}

func TestRetention_SnapshotsByBytes_OldestGoFirst(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	run := p.addRun("porch", "stream", ago(4000), ago(1))
	p.addSnapshots(run, 0, 1, 2, 3, 4)
	space := func(bytes int64) func(*sink.Config) {
		return func(c *sink.Config) { c.SnapshotSpace, c.Metrics = bytes, nil }
	}
	p.retain(space(5000))
	require.Equal(t, 5, p.number("SELECT count(*) FROM snapshots"))
	p.retain(space(3500))
	require.Equal(t, 3, p.number("SELECT count(*) FROM snapshots WHERE captured_at >= $1", ago(2)))
	require.Equal(t, 3, p.number("SELECT count(*) FROM snapshots"))
	p.retain(space(1))
	require.Equal(t, 0, p.number("SELECT count(*) FROM snapshots"))
}

package sink_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// Each figure of a minute is that of the log, also of zones, lines and the coverage; one that
// was changed in the tables is found. Where the log has lost its beginning, that is said.
func TestProve_ZonesLinesAndCoverage_OfTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	minute := origin.Truncate(time.Minute).Add(time.Minute)
	at := func(n int) event.Time { return event.At(minute.Add(time.Duration(n) * 250 * time.Millisecond)) }
	for _, camera := range []string{"porch", "yard"} {
		for n := range 300 { // 75 seconds
			s := sighting(camera, "run-of-"+camera, n)
			s.CapturedAt, s.DroppedBefore = at(n), int64(n%2)
			for i := range s.Objects {
				s.Objects[i].Zones = []string{"door", "hall"}[:1+n%2]
			}
			w.produce(record(t, s))
			if n%50 == 7 {
				x := s.Crossing()
				x.Line, x.Direction, x.TrackID, x.Label = "gate", []string{event.In, event.Out}[n/50%2], 1, "person"
				w.produce(crossingRecord(t, &x), crossingRecord(t, &x))
			}
		}
	}
	w.drain()
	prove := func() *sink.Proof {
		t.Helper()
		p, err := sink.Prove(t.Context(), w.stream, w.pool, "yard", minute)
		require.NoError(t, err)
		return p
	}
	p := prove()
	want := sink.Figures{
		"frames": 240, "people_frames": 160, "people": 240, "max_people": 2, "detections": 240, "dropped": 120, "seconds": 60,
		"zone door people_frames": 160, "zone door people": 240, "zone door max_people": 2,
		"zone hall people_frames": 80, "zone hall people": 120, "zone hall max_people": 2, "line gate in": 3, "line gate out": 2,
	}
	require.Equal(t, want, p.Log)
	require.Equal(t, want, p.Tables)
	require.True(t, p.Equal())
	require.Empty(t, p.Gone)
	require.Len(t, p.Records, 2, "of both topics")
	require.Equal(t, p, prove(), "the same digest")

	for _, change := range []struct{ figure, sql, back string }{
		{"seconds", "UPDATE camera_minutes SET seconds = seconds - 1", "UPDATE camera_minutes SET seconds = seconds + 1"},
		{"zone hall people", "UPDATE zone_minutes SET people = people + 1 WHERE zone = 'hall'",
			"UPDATE zone_minutes SET people = people - 1 WHERE zone = 'hall'"},
		{"zone shed people", "INSERT INTO zone_minutes SELECT camera_id, 'shed', minute, run_id, 0, 1, 0 FROM camera_minutes",
			"DELETE FROM zone_minutes WHERE zone = 'shed'"},
		{"line gate out", "DELETE FROM crossing_minutes WHERE direction = 'out'", "SELECT sightlog_rebuild()"},
	} {
		_, err := w.pool.Exec(t.Context(), change.sql)
		require.NoError(t, err)
		var differ []string
		for _, f := range prove().Figures() {
			if f.Tables != f.Log {
				differ = append(differ, f.Name)
			}
		}
		require.Equal(t, []string{change.figure}, differ)
		require.False(t, prove().Equal())
		_, err = w.pool.Exec(t.Context(), change.back)
		require.NoError(t, err)
	}

	ends, err := kadm.NewClient(w.cl).ListEndOffsets(t.Context(), kafka.Sightings)
	require.NoError(t, err)
	_, err = kadm.NewClient(w.cl).DeleteRecords(t.Context(), ends.Offsets())
	require.NoError(t, err)
	require.NotEmpty(t, prove().Gone)
}

// A live source's frame is produced when it was captured: of a run of days only the records from the
// minute on are read. One of a file may be of a time long before it was produced, or after.
func TestProve_MinuteOfALongRun_LiveReadFromTheMinuteOnAndFilesFromTheirStart(t *testing.T) {
	t.Parallel()
	for kind, lacks := range map[event.SourceKind]int{event.SourceStream: 0, event.SourceFile: 1} {
		w := newWorld(t)
		began := origin.Truncate(time.Minute).AddDate(0, 0, -6)
		w.produce(runRecord(t, &event.Run{ID: "r1", Camera: "porch", SourceKind: kind, Source: "a", StartedAt: event.At(began),
			Model: sighting("porch", "r1", 0).Model}))
		for n := range 6 * 24 {
			s := sighting("porch", "r1", n)
			s.SourceKind, s.CapturedAt = kind, event.At(began.Add(time.Duration(n)*time.Hour))
			r := record(t, s)
			r.Timestamp = s.CapturedAt.Time
			w.produce(r)
		}
		w.start()
		w.drain()
		minute := began.Add(130 * time.Hour)
		prove := func() *sink.Proof {
			t.Helper()
			p, err := sink.Prove(t.Context(), w.stream, w.pool, "porch", minute)
			require.NoError(t, err)
			require.EqualValues(t, 1, p.Log["frames"])
			require.True(t, p.Equal())
			return p
		}
		want := prove()
		require.Empty(t, want.Gone)
		adm := kadm.NewClient(w.cl)
		later, err := adm.ListOffsetsAfterMilli(t.Context(), minute.Add(-2*time.Hour).UnixMilli(), kafka.Sightings)
		require.NoError(t, err)
		_, err = adm.DeleteRecords(t.Context(), later.Offsets())
		require.NoError(t, err)
		got := prove()
		require.Equal(t, want.Digest, got.Digest)
		require.Len(t, got.Gone, lacks, "%s: %v", kind, got.Gone)
	}
}

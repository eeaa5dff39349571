package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

// cross sends sightings, each with two crossings in its frame.
func cross(t *testing.T, w kafka.Writer, from, to int64) {
	t.Helper()
	for seq := from; seq < to; seq++ {
		require.NoError(t, crossOnce(t.Context(), w, seq))
	}
}

// openGate starts a run of a live camera.
func openGate(t *testing.T, cfg kafka.Config) kafka.Writer {
	t.Helper()
	live, err := kafka.OpenLive(cfg)
	require.NoError(t, err)
	t.Cleanup(live.Close)
	w, err := live.Open(t.Context(), event.Run{Camera: "gate", SourceKind: event.SourceStream})
	require.NoError(t, err)
	return w
}

func crossOnce(ctx context.Context, w kafka.Writer, seq int64) error {
	run := w.Run()
	s := &event.Sighting{
		Camera: run.Camera, Run: run.ID, Seq: seq, SourceKind: run.SourceKind,
		CapturedAt: event.At(time.Now()), Frame: event.Size{Width: 4, Height: 3},
	}
	a, b := s.Crossing(), s.Crossing()
	a.Line, a.Direction, a.TrackID = "gate", event.In, seq
	b.Line, b.Direction, b.TrackID = "gate", event.Out, seq+1000
	return w.Send(ctx, s, &a, &b)
}

// crossed returns the committed crossings' track ids of a camera, in order.
func crossed(t *testing.T, cfg kafka.Config, camera string) (tracks []int64) {
	t.Helper()
	for _, b := range ofCamera(t, cfg, kafka.Crossings, camera) {
		c, err := event.DecodeCrossing(b)
		require.NoError(t, err)
		tracks = append(tracks, c.TrackID)
	}
	return tracks
}

// visited returns the ids of a camera's committed visits, in order.
func visited(t *testing.T, cfg kafka.Config, camera string) (ids []string) {
	t.Helper()
	for _, b := range ofCamera(t, cfg, kafka.Visits, camera) {
		v, err := event.DecodeVisit(b)
		require.NoError(t, err)
		ids = append(ids, v.EventID)
	}
	return ids
}

// ofCamera returns the committed values of a camera, in order.
func ofCamera(t *testing.T, cfg kafka.Config, topic, camera string) (values [][]byte) {
	t.Helper()
	cl, err := cfg.Client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(t.Context(), topic)
	require.NoError(t, err)
	require.NoError(t, ends.Error())
	end, _ := ends.Lookup(topic, kafka.Partition([]byte(camera), len(ends[topic])))
	for at := int64(0); at < end.Offset; {
		f := cl.PollFetches(t.Context())
		require.NoError(t, f.Err())
		f.EachRecord(func(r *kgo.Record) {
			require.Equal(t, end.Partition, r.Partition, "a camera's events are in one partition")
			at = r.Offset + 1
			if r.Attrs.IsControl() {
				return
			}
			require.Equal(t, camera, string(r.Key))
			values = append(values, r.Value)
		})
	}
	return values
}

func bothWays(n int64) (tracks []int64) {
	for i := range n {
		tracks = append(tracks, i, i+1000)
	}
	return tracks
}

func TestFileWriter_CrossingsInAFrame_OnceWithTheirSighting(t *testing.T) {
	b, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	for i := int64(0); i < 20; i += 10 {
		cross(t, w, i, i+5)
		b.Stop()
		b.Start()
		cross(t, w, i+5, i+10)
	}
	require.NoError(t, w.Close(t.Context()))
	require.EqualValues(t, 20, w.Acked(), "sightings, not records")

	old, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	w, err = kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	require.EqualValues(t, 20, w.Next())
	cross(t, old, 20, 21) // fenced: neither it nor its crossings arrive
	require.ErrorIs(t, old.Close(t.Context()), kafka.ErrFenced)
	cross(t, w, 20, 22)
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.Equal(t, bothWays(22), crossed(t, cfg, "porch"))
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(22)}, committed(t, cfg))
	last, err := kafka.LastRun(t.Context(), cfg, "porch")
	require.NoError(t, err)
	require.EqualValues(t, 22, last.Frames)

	var seqs []int64
	run := w.Run()
	require.NoError(t, kafka.ReadRun(t.Context(), cfg, &run, func(s *event.Sighting) { seqs = append(seqs, s.Seq) }))
	require.Equal(t, upTo(22), seqs)
}

func TestLiveWriter_CrossingsInAFrame_Once(t *testing.T) {
	b, cfg := setUp(t)
	w := openGate(t, cfg)
	cross(t, w, 0, 5)
	b.Stop()
	b.Start()
	cross(t, w, 5, 10)
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.EqualValues(t, 10, w.Acked())
	require.Equal(t, bothWays(10), crossed(t, cfg, "gate"))
}

// A visit ends with the last sighting that was looked at, so a frame that a stop meets must
// get into the log with all of its events.
func TestLiveWriter_StopWhileFramesAreSent_AllInTheLog(t *testing.T) {
	_, cfg := setUp(t)
	w := openGate(t, cfg)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for seq := range int64(50) {
		require.NoError(t, crossOnce(stopped, w, seq))
	}
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.Equal(t, bothWays(50), crossed(t, cfg, "gate"))
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(50)}, committed(t, cfg))
}

func TestLiveWriter_FrameNotAccepted_RunHasNoEnd(t *testing.T) {
	b, cfg := setUp(t)
	w := openGate(t, cfg)
	b.Stop()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	var err error
	for seq := int64(0); err == nil; seq++ {
		err = crossOnce(stopped, w, seq)
	}
	require.ErrorIs(t, err, context.Canceled, "the buffer is full")
	b.Start()
	ends, _ := leave(w.Run(), 1)
	require.ErrorIs(t, w.Finish(t.Context(), event.Run{}, ends...), context.Canceled)
	require.Empty(t, visited(t, cfg, "gate"))
	last, err := kafka.LastRun(t.Context(), cfg, "gate")
	require.NoError(t, err)
	require.True(t, last.FinishedAt.IsZero())
}

// leave returns the ends of n visits.
func leave(run event.Run, n int64) (all []event.Derived, ids []string) {
	at := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	for i := range n {
		all = append(all, &event.Visit{
			Kind: event.Left, Camera: run.Camera, Run: run.ID, Zone: "till", TrackID: i,
			CapturedAt: event.At(at.Add(time.Hour)), EnteredAt: event.At(at), LeftAt: event.At(at.Add(time.Minute)),
		})
		ids = append(ids, fmt.Sprintf("%s/%s/%d/till/2026-05-01T10:00:00.000000Z/left", run.Camera, run.ID, i))
	}
	return all, ids
}

// The ends of visits commit with the end of the run: a run has both or neither, and a
// writer that was fenced has written neither.
func TestFileWriter_VisitsAtTheEnd_OnceWithTheEnd(t *testing.T) {
	b, cfg := setUp(t)
	old, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	cross(t, old, 0, 3)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	ends, ids := leave(w.Run(), 3)
	require.Error(t, old.Finish(t.Context(), event.Run{}, ends...))
	require.Empty(t, visited(t, cfg, "porch"))
	cross(t, w, w.Next(), 5)
	b.Stop()
	finished := make(chan error, 1)
	go func() { finished <- w.Finish(t.Context(), event.Run{}, ends...) }()
	b.Start()
	require.NoError(t, <-finished)
	require.Equal(t, ids, visited(t, cfg, "porch"))
	last, err := kafka.LastRun(t.Context(), cfg, "porch")
	require.NoError(t, err)
	require.False(t, last.FinishedAt.IsZero())
	require.EqualValues(t, 5, last.Frames, "sightings, not records")
}

func TestLiveWriter_VisitsAtTheEnd_BeforeTheEnd(t *testing.T) {
	_, cfg := setUp(t)
	w := openGate(t, cfg)
	cross(t, w, 0, 2)
	ends, ids := leave(w.Run(), 2)
	require.NoError(t, w.Finish(t.Context(), event.Run{}, ends...))
	require.Equal(t, ids, visited(t, cfg, "gate"))
	require.EqualValues(t, 2, w.Acked())
}

func TestEnsureTopics_SightingsExist_OthersHaveAsManyPartitions(t *testing.T) {
	_, cfg := setUp(t)
	other, err := cfg.Client()
	require.NoError(t, err)
	defer other.Close()
	adm := kadm.NewClient(other)
	_, err = adm.DeleteTopics(t.Context(), kafka.Crossings, kafka.Visits)
	require.NoError(t, err)
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 3))
	topics, err := adm.ListTopics(t.Context(), kafka.Sightings, kafka.Crossings, kafka.Visits)
	require.NoError(t, err)
	require.Len(t, topics[kafka.Sightings].Partitions, 8)
	require.Len(t, topics[kafka.Crossings].Partitions, 8)
	require.Len(t, topics[kafka.Visits].Partitions, 8)
}

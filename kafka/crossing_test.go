package kafka_test

import (
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
	run := w.Run()
	for seq := from; seq < to; seq++ {
		s := &event.Sighting{
			Camera: run.Camera, Run: run.ID, Seq: seq, SourceKind: run.SourceKind,
			CapturedAt: event.At(time.Now()), Frame: event.Size{Width: 4, Height: 3},
		}
		a, b := s.Crossing(), s.Crossing()
		a.Line, a.Direction, a.TrackID = "gate", event.In, seq
		b.Line, b.Direction, b.TrackID = "gate", event.Out, seq+1000
		require.NoError(t, w.Send(t.Context(), s, a, b))
	}
}

// crossed returns the committed crossings' track ids of a camera, in order.
func crossed(t *testing.T, cfg kafka.Config, camera string) (tracks []int64) {
	t.Helper()
	cl, err := cfg.Client(kgo.ConsumeTopics(kafka.Crossings), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(t.Context(), kafka.Crossings)
	require.NoError(t, err)
	require.NoError(t, ends.Error())
	end, _ := ends.Lookup(kafka.Crossings, kafka.Partition([]byte(camera), len(ends[kafka.Crossings])))
	for at := int64(0); at < end.Offset; {
		f := cl.PollFetches(t.Context())
		require.NoError(t, f.Err())
		f.EachRecord(func(r *kgo.Record) {
			require.Equal(t, end.Partition, r.Partition, "a camera's crossings are in one partition")
			at = r.Offset + 1
			if r.Attrs.IsControl() {
				return
			}
			c, err := event.DecodeCrossing(r.Value)
			require.NoError(t, err)
			require.Equal(t, camera, string(r.Key))
			tracks = append(tracks, c.TrackID)
		})
	}
	return tracks
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
	live, err := kafka.OpenLive(cfg)
	require.NoError(t, err)
	defer live.Close()
	w, err := live.Open(t.Context(), event.Run{Camera: "gate", SourceKind: event.SourceStream})
	require.NoError(t, err)
	cross(t, w, 0, 5)
	b.Stop()
	b.Start()
	cross(t, w, 5, 10)
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.EqualValues(t, 10, w.Acked())
	require.Equal(t, bothWays(10), crossed(t, cfg, "gate"))
}

func TestEnsureTopics_SightingsExist_CrossingsHaveAsManyPartitions(t *testing.T) {
	_, cfg := setUp(t)
	other, err := cfg.Client()
	require.NoError(t, err)
	defer other.Close()
	adm := kadm.NewClient(other)
	_, err = adm.DeleteTopics(t.Context(), kafka.Crossings)
	require.NoError(t, err)
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 3))
	topics, err := adm.ListTopics(t.Context(), kafka.Sightings, kafka.Crossings)
	require.NoError(t, err)
	require.Len(t, topics[kafka.Sightings].Partitions, 8)
	require.Len(t, topics[kafka.Crossings].Partitions, 8)
}

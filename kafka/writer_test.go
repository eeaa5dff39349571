package kafka_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/kafka"
)

func setUp(t *testing.T) (*brokertest.Broker, kafka.Config) {
	t.Helper()
	b := brokertest.Start(t)
	cfg := kafka.Config{Brokers: []string{b.Addr()}}
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 8))
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 8), "topics that are there are left alone")
	return b, cfg
}

// never is of a source that begins as no other did.
func never(string) bool { return false }

func fileRun() event.Run {
	return event.Run{Camera: "porch", SourceKind: event.SourceFile, Source: "a.mp4", Fingerprint: "f1", Model: event.Model{Name: "m", SHA256: "s"}}
}

func send(t *testing.T, w kafka.Writer, from, to int64) {
	t.Helper()
	run := w.Run()
	for seq := from; seq < to; seq++ {
		require.NoError(t, w.Send(t.Context(), &event.Sighting{
			Camera: run.Camera, Run: run.ID, Seq: seq, SourceKind: run.SourceKind,
			CapturedAt: event.At(time.Now()), Frame: event.Size{Width: 4, Height: 3},
		}))
	}
}

// committed returns the seqs of a topic's committed sightings, by run.
func committed(t *testing.T, cfg kafka.Config) map[string][]int64 {
	t.Helper()
	cl, err := cfg.Client(kgo.ConsumeTopics(kafka.Sightings), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(t.Context(), kafka.Sightings)
	require.NoError(t, err)
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left++
		}
	})
	seqs := make(map[string][]int64)
	for left > 0 {
		f := cl.PollFetches(t.Context())
		require.NoError(t, f.Err())
		f.EachRecord(func(r *kgo.Record) {
			if end, _ := ends.Lookup(kafka.Sightings, r.Partition); r.Offset == end.Offset-1 {
				left--
			}
			if r.Attrs.IsControl() {
				return
			}
			s, err := event.DecodeSighting(r.Value)
			require.NoError(t, err)
			seqs[s.Run] = append(seqs[s.Run], s.Seq)
		})
	}
	return seqs
}

func upTo(n int64) (s []int64) {
	for i := range n {
		s = append(s, i)
	}
	return s
}

func TestOpenFile_UnfinishedRun_ResumesAfterTheLastAcknowledged(t *testing.T) {
	_, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	require.Zero(t, w.Next())
	send(t, w, 0, 10)
	require.NoError(t, w.Close(t.Context()))
	require.EqualValues(t, 10, w.Acked())
	first := w.Run().ID

	w, err = kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	require.Equal(t, first, w.Run().ID)
	require.EqualValues(t, 10, w.Next())
	send(t, w, 10, 12)
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.ErrorIs(t, w.Send(t.Context(), &event.Sighting{}), kafka.ErrEnded)

	last, err := kafka.LastRun(t.Context(), cfg, "porch")
	require.NoError(t, err)
	require.False(t, last.FinishedAt.IsZero())
	require.EqualValues(t, 12, last.Frames)
	require.Equal(t, map[string][]int64{first: upTo(12)}, committed(t, cfg))

	// A finished run is not resumed, nor one of other content.
	require.NoError(t, kafka.EndJob(t.Context(), cfg, []string{first}))
	w, err = kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	require.NotEqual(t, first, w.Run().ID)
	require.NoError(t, w.Close(t.Context()))
	other := fileRun()
	other.Fingerprint = "f2"
	second := w.Run().ID
	w, err = kafka.OpenFile(t.Context(), cfg, other, 0, never)
	require.NoError(t, err)
	require.NotEqual(t, second, w.Run().ID)
	require.NoError(t, w.Close(t.Context()))
}

func TestOpenFile_RunEndedJobOpen_AtEndError(t *testing.T) {
	_, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	send(t, w, 0, 3)
	require.NoError(t, w.Finish(t.Context(), event.Run{Outcome: event.OutcomeDamaged, Damage: "cut short"}))

	for range 2 { // as often as the job is interrupted
		_, err = kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
		var end *kafka.AtEndError
		require.ErrorAs(t, err, &end)
		require.Equal(t, w.Run().ID, end.Run.ID)
		require.EqualValues(t, 3, end.Run.Frames)
		require.Equal(t, "cut short", end.Run.Damage)
	}
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(3)}, committed(t, cfg))

	other := fileRun() // what the job is not about
	other.Fingerprint = "f2"
	o, err := kafka.OpenFile(t.Context(), cfg, other, 0, never)
	require.NoError(t, err)
	require.NoError(t, o.Close(t.Context()))
}

// A source that has grown since its run was interrupted goes on with it, also
// where it had come to its end in a job that did not.
func TestOpenFile_SourceGrew_ResumesItsRun(t *testing.T) {
	for name, ended := range map[string]bool{"interrupted": false, "ended, its job not": true} {
		t.Run(name, func(t *testing.T) {
			_, cfg := setUp(t)
			w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
			require.NoError(t, err)
			first := w.Run().ID
			send(t, w, 0, 4)
			if ended {
				require.NoError(t, w.Finish(t.Context(), event.Run{Outcome: event.OutcomeDamaged, Damage: "cut short"}))
			} else {
				require.NoError(t, w.Close(t.Context()))
			}
			grown := fileRun()
			grown.Fingerprint, grown.Source = "f2", "b.mp4"
			begins := func(digest string) bool { return digest == "f1" }
			w, err = kafka.OpenFile(t.Context(), cfg, grown, 0, begins)
			require.NoError(t, err)
			require.Equal(t, first, w.Run().ID)
			require.EqualValues(t, 4, w.Next())
			last, err := kafka.LastRun(t.Context(), cfg, "porch")
			require.NoError(t, err)
			require.True(t, last.FinishedAt.IsZero(), "it is under way again")
			require.Equal(t, []string{"f2", "b.mp4", "", ""}, []string{last.Fingerprint, last.Source, string(last.Outcome), last.Damage})
			send(t, w, 4, 7)
			require.NoError(t, w.Close(t.Context()))

			w, err = kafka.OpenFile(t.Context(), cfg, grown, 0, never) // interrupted once more
			require.NoError(t, err)
			require.EqualValues(t, 7, w.Next())
			send(t, w, 7, 8)
			require.NoError(t, w.Finish(t.Context(), event.Run{}))
			last, err = kafka.LastRun(t.Context(), cfg, "porch")
			require.NoError(t, err)
			require.EqualValues(t, 8, last.Frames)
			require.Equal(t, event.OutcomeFinished, last.Outcome)
			require.Equal(t, map[string][]int64{first: upTo(8)}, committed(t, cfg))
		})
	}
}

// A run that is resumed with other zones is written with them, once.
func TestOpenFile_OtherShapes_TheRunHasTheLastOnes(t *testing.T) {
	_, cfg := setUp(t)
	run := fileRun()
	for i, x := range []float64{0.3, 0.3, 0.7} {
		run.Shapes = []event.Shape{{Kind: event.ShapeLine, Name: "gate", Points: [][2]float64{{x, 0}, {x, 1}}}}
		w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
		require.NoError(t, err)
		require.EqualValues(t, i, w.Next(), "the same run")
		send(t, w, int64(i), int64(i+1))
		require.NoError(t, w.Close(t.Context()))
		last, err := kafka.LastRun(t.Context(), cfg, "porch")
		require.NoError(t, err)
		require.Equal(t, run.Shapes, last.Shapes)
	}
}

// An interrupted run that is not continued is not left in silence.
func TestOpenFile_AnotherSourceOrModel_RunAbandonedAndLogged(t *testing.T) {
	_, cfg := setUp(t)
	var said bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	open := func(run event.Run, continues bool) {
		t.Helper()
		said.Reset()
		w, err := kafka.OpenFile(t.Context(), cfg, run, 0, func(string) bool { return continues })
		require.NoError(t, err)
		require.Zero(t, w.Next())
		send(t, w, 0, 1)
		require.NoError(t, w.Close(t.Context()))
	}
	open(fileRun(), false)
	require.Empty(t, said.String())
	other := fileRun()
	other.Fingerprint = "f2"
	open(other, false)
	require.Equal(t, 1, strings.Count(said.String(), "an interrupted run is not continued"), said.String())
	require.Contains(t, said.String(), "the source is not what that run was reading")
	other.Model.SHA256 = "another"
	open(other, false)
	require.Contains(t, said.String(), "the model is not that of the run")
	other.Fingerprint = "f3"
	other.Model.SHA256 = "a third"
	open(other, true)
	require.Contains(t, said.String(), "the model is not that of the run")
	other.Fingerprint = "" // a pipe
	open(other, false)
	require.Empty(t, said.String())
}

func TestEndJob_OpenRuns_NextOpeningIsNew(t *testing.T) {
	_, cfg := setUp(t)
	var ids []string
	for _, camera := range []string{"porch", "yard"} {
		run := fileRun()
		run.Camera = camera
		w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
		require.NoError(t, err)
		send(t, w, 0, 1)
		require.NoError(t, w.Finish(t.Context(), event.Run{}))
		ids = append(ids, w.Run().ID)
	}
	require.NoError(t, kafka.EndJob(t.Context(), cfg, ids))
	require.NoError(t, kafka.EndJob(t.Context(), cfg, append(ids, "no-such-run")), "twice is once")
	for i, camera := range []string{"porch", "yard"} {
		last, err := kafka.LastRun(t.Context(), cfg, camera)
		require.NoError(t, err)
		require.Equal(t, ids[i], last.ID)
		require.False(t, last.JobOpen)
		require.EqualValues(t, 1, last.Frames, "the rest of the end stays")
		require.False(t, last.FinishedAt.IsZero())
		run := fileRun()
		run.Camera = camera
		w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
		require.NoError(t, err)
		require.NotEqual(t, ids[i], w.Run().ID)
		require.NoError(t, w.Close(t.Context()))
	}
}

func TestOpenFile_PredecessorAlive_IsFenced(t *testing.T) {
	_, cfg := setUp(t)
	old, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	send(t, old, 0, 3)
	require.Eventually(t, func() bool { return old.Acked() == 3 }, time.Minute, time.Millisecond)

	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	require.EqualValues(t, 3, w.Next())

	// The old one still believes in its run; nothing of it may arrive.
	send(t, old, 3, 4)
	require.ErrorIs(t, old.Close(t.Context()), kafka.ErrFenced)
	send(t, w, 3, 6)
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(6)}, committed(t, cfg))
}

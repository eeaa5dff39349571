package kafka_test

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

func TestFileWriter_OlderCopyRestored_EndsAndTheNextResumesThere(t *testing.T) {
	for name, copyAt := range map[string]int{"before the run": 0, "of an earlier opening": 1, "of this opening": 2} {
		t.Run(name, func(t *testing.T) {
			b, cfg := setUp(t)
			var copied fs.FS
			point := func(n int) {
				b.Stop()
				if n == copyAt {
					copied = b.Copy()
				}
				b.Start()
			}
			acked := func(w kafka.Writer, n int64) {
				require.Eventually(t, func() bool { return w.Acked() == n }, time.Minute, time.Millisecond)
			}
			open := func() kafka.Writer {
				w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
				require.NoError(t, err)
				return w
			}
			point(0)
			w := open()
			send(t, w, 0, 3)
			require.NoError(t, w.Close(t.Context()))
			point(1)
			w = open()
			send(t, w, 3, 5)
			acked(w, 2)
			point(2)
			send(t, w, 5, 9)
			acked(w, 6)
			b.Stop()
			b.PutBack(copied)
			b.Start()
			send(t, w, 9, 10)
			err := w.Close(t.Context())
			require.ErrorIs(t, err, kafka.ErrTailLost)
			require.NotErrorIs(t, err, kafka.ErrFenced)

			w = open()
			require.EqualValues(t, []int64{0, 3, 5}[copyAt], w.Next())
			send(t, w, w.Next(), 10)
			require.NoError(t, w.Finish(t.Context(), event.Run{}))
			require.Equal(t, map[string][]int64{w.Run().ID: upTo(10)}, committed(t, cfg))
		})
	}
}

func TestFileWriter_BrokerRestarts_EachSightingOnce(t *testing.T) {
	b, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	for i := int64(0); i < 40; i += 10 {
		send(t, w, i, i+5)
		b.Stop()
		b.Start()
		send(t, w, i+5, i+10)
	}
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(40)}, committed(t, cfg))
}

func TestLiveWriter_BrokerRestarts_EachSightingOnce(t *testing.T) {
	b, cfg := setUp(t)
	live, err := kafka.OpenLive(cfg)
	require.NoError(t, err)
	defer live.Close()
	run := event.Run{Camera: "gate", SourceKind: event.SourceStream}
	w, err := live.Open(t.Context(), run)
	require.NoError(t, err)
	for i := int64(0); i < 40; i += 10 {
		send(t, w, i, i+5)
		b.Stop()
		b.Start()
		send(t, w, i+5, i+10)
	}
	require.NoError(t, w.Finish(t.Context(), event.Run{Dropped: 7}))
	require.EqualValues(t, 40, w.Acked())
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(40)}, committed(t, cfg))
	last, err := kafka.LastRun(t.Context(), cfg, "gate")
	require.NoError(t, err)
	require.EqualValues(t, 7, last.Dropped)
	require.EqualValues(t, 40, last.Frames)

	again, err := live.Open(t.Context(), run)
	require.NoError(t, err)
	require.NotEqual(t, w.Run().ID, again.Run().ID, "every opening of a live source is a new run")
	require.NoError(t, again.Close(t.Context()))
}

func TestSend_LogUnavailable_BlocksUntilContextEnds(t *testing.T) {
	b, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	b.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan int, 1)
	go func() {
		n := 0
		for w.Send(ctx, &event.Sighting{Camera: "porch", Run: w.Run().ID, Seq: int64(n), CapturedAt: event.At(time.Now()), Frame: event.Size{Width: 1, Height: 1}}) == nil {
			n++
		}
		sent <- n
	}()
	select {
	case n := <-sent:
		t.Fatalf("gave up after %d", n)
	case <-time.After(200 * time.Millisecond): // it blocks; how long it is watched is no verdict
	}
	cancel()
	n := <-sent
	b.Start()
	require.NoError(t, w.Close(t.Context()))
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(int64(n))}, committed(t, cfg), "what was taken is in the log")
}

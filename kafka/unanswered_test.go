package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

// hangsUp returns a cluster that, from the call of the returned function on, ends a
// connection that produces without an answer. The channel is closed when it has.
func hangsUp(t *testing.T) (cfg kafka.Config, from func() (hungUp <-chan struct{})) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg = kafka.Config{Brokers: c.ListenAddrs()}
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 1))
	return cfg, func() <-chan struct{} {
		hungUp, once := make(chan struct{}), sync.Once{}
		c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			once.Do(func() { close(hungUp) })
			return nil, errors.New("hung up"), true
		})
		return hungUp
	}
}

// ends fails if f, which is called with a context that ends when hungUp is closed, goes on.
func ends(t *testing.T, hungUp <-chan struct{}, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- f(ctx) }()
	<-hungUp
	cancel()
	select {
	case err := <-result:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("it waits although its context has ended")
	}
}

// The broker went away with a batch that it has not answered, and detect is stopped: the
// client would wait until it is back.
func TestFileWriter_ProduceNotAnswered_CloseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cfg, hangUp := hangsUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	hungUp := hangUp()
	send(t, w, 0, 1)
	ends(t, hungUp, w.Close)
}

func TestLiveWriter_StartOfRunNotAnswered_OpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cfg, hangUp := hangsUp(t)
	live, err := kafka.OpenLive(cfg)
	require.NoError(t, err)
	defer live.Close()
	ends(t, hangUp(), func(ctx context.Context) error {
		_, err := live.Open(ctx, event.Run{Camera: "gate", SourceKind: event.SourceStream})
		return err
	})
}

func TestProduce_NotAnswered_ErrorOfEachRecordIsTheContexts(t *testing.T) {
	t.Parallel()
	cfg, hangUp := hangsUp(t)
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	ends(t, hangUp(), func(ctx context.Context) error {
		recs := []*kgo.Record{{Topic: kafka.Runs, Key: []byte("a")}, {Topic: kafka.Runs, Key: []byte("b")}}
		results := kafka.Produce(ctx, cl, recs...)
		require.Len(t, results, 2)
		return errors.Join(results[0].Err, results[1].Err)
	})
}

// A transaction for each frame would fill the log of a service with three lines a frame.
func TestConfig_LogAtInfo_NoLineOfATransaction(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	for level, silent := range map[slog.Level]bool{slog.LevelInfo: true, slog.LevelDebug: false} {
		var log written
		cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))
		run := fileRun()
		run.Camera = level.String()
		w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
		require.NoError(t, err)
		send(t, w, 0, 3)
		require.NoError(t, w.Finish(t.Context(), event.Run{}))
		require.Equal(t, silent, log.Load() == 0, "%d bytes at level %s", log.Load(), level)
	}
}

// written counts bytes; a client's goroutines may still write.
type written struct{ atomic.Int64 }

func (w *written) Write(b []byte) (int, error) {
	w.Add(int64(len(b)))
	return len(b), nil
}

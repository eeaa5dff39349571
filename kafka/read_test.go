package kafka_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
)

// A transaction that is open when a reader starts is in what it reads, or was aborted; a
// reader of the committed part alone would return without it.
func TestReadPartitions_TransactionOpen_WaitsForItsEnd(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	produce(t, open(t, cfg), &kgo.Record{Topic: kafka.Runs, Key: []byte("k"), Value: []byte("before")})
	var want []string
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		cl, err := cfg.Client(kgo.TransactionalID("sightlog.test"))
		require.NoError(t, err)
		require.NoError(t, cl.BeginTransaction())
		produce(t, cl, &kgo.Record{Topic: kafka.Runs, Key: []byte("k"), Value: []byte("a")}, &kgo.Record{Topic: kafka.Runs, Key: []byte("k"), Value: []byte("b")})
		if end == kgo.TryCommit {
			want = append(want, "a", "b")
		}
		var ended atomic.Bool
		var got []string
		read := make(chan error, 1)
		go func() {
			err := kafka.ReadPartitions(t.Context(), cfg, kafka.Runs, []int32{0, 17}, func(r *kgo.Record) error {
				got = append(got, string(r.Value))
				return nil
			})
			if !ended.Load() {
				t.Error("it did not wait")
			}
			read <- err
		}()
		time.Sleep(200 * time.Millisecond) // for a reader that does not wait
		ended.Store(true)
		require.NoError(t, cl.EndTransaction(t.Context(), end))
		require.NoError(t, <-read)
		require.Equal(t, append([]string{"before"}, want...), got)
		cl.Close()
	}
}

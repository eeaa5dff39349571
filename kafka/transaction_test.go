package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
)

// The cluster fences a producer whose transaction it has given up, as it does
// one whose camera another sightlog has opened; only the second is told so.
func TestFencedProducer_TransactionTimedOut_IsNotErrFenced(t *testing.T) {
	_, cfg := setUp(t)
	const id = "sightlog.porch"
	open := func(timeout time.Duration) *kgo.Client {
		cl, err := cfg.Client(kgo.TransactionalID(id), kgo.TransactionTimeout(timeout))
		require.NoError(t, err)
		t.Cleanup(cl.Close)
		return cl
	}
	old := open(time.Second)
	require.NoError(t, old.BeginTransaction())
	require.NoError(t, old.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.Sightings, Value: []byte("{}")}).FirstErr())
	pid, epoch, err := old.ProducerID(t.Context())
	require.NoError(t, err)
	plain, err := cfg.Client()
	require.NoError(t, err)
	defer plain.Close()
	for state := ""; state != "CompleteAbort"; time.Sleep(20 * time.Millisecond) {
		all, err := kadm.NewClient(plain).DescribeTransactions(t.Context(), id)
		require.NoError(t, err)
		state = all[id].State
	}
	require.Error(t, old.EndTransaction(t.Context(), kgo.TryCommit), "the transaction was given up")
	for range 2 { // the answer may be lost
		require.NoError(t, kafka.CheckNotFenced(t.Context(), cfg, id, pid, epoch))
	}

	other := open(time.Minute)
	_, _, err = other.ProducerID(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, kafka.CheckNotFenced(t.Context(), cfg, id, pid, epoch), kafka.ErrFenced)
}

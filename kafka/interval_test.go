package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/kafka"
)

// transactions returns how many transactions wrote the sightings of the log: each leaves a
// marker behind its records.
func transactions(t *testing.T, cfg kafka.Config) (n int64) {
	t.Helper()
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), kafka.Sightings)
	require.NoError(t, err)
	ends.Each(func(end kadm.ListedOffset) { n += end.Offset })
	for _, seqs := range committed(t, cfg) {
		n -= int64(len(seqs))
	}
	return n
}

func sendAndWait(t *testing.T, w kafka.Writer, from, to int64) {
	t.Helper()
	send(t, w, from, to)
	require.Eventually(t, func() bool { return w.Acked() == to }, time.Minute, time.Millisecond)
}

// The first sighting waits for nothing, a full buffer not for the interval, nor does the end.
func TestFileWriter_LongInterval_FewTransactions(t *testing.T) {
	_, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), time.Hour, never)
	require.NoError(t, err)
	sendAndWait(t, w, 0, 1)
	sendAndWait(t, w, 1, 257)
	send(t, w, 257, 300)
	require.NoError(t, w.Close(t.Context()))
	require.Equal(t, int64(300), w.Acked())
	require.Equal(t, map[string][]int64{w.Run().ID: upTo(300)}, committed(t, cfg))
	require.Equal(t, int64(3), transactions(t, cfg))
}

func TestFileWriter_NoInterval_EachSightingIsCommittedAtOnce(t *testing.T) {
	_, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	for n := range int64(5) {
		sendAndWait(t, w, n, n+1)
	}
	require.NoError(t, w.Close(t.Context()))
	require.Equal(t, int64(5), transactions(t, cfg))
}

package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
)

// The clips stand for cameras, whose frames need no transactions.
func TestBench_Pipeline_WritesAsCameras(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	ok(t, sightlog, "bench", "--source", "test://people?frames=20&fps=40", "--cameras", "2", "--data", dir)
	addr, _ := endpoints(t, dir, start(t, sightlogd, "serve", "--data", dir))
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), kafka.Sightings)
	require.NoError(t, err)
	var records int64
	ends.Each(func(o kadm.ListedOffset) { records += o.Offset })
	require.EqualValues(t, 40, records, "sightings alone, no markers of transactions")
}

package broker

import (
	"testing"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mark asks for a marker of the partition's only producer with an open transaction.
func mark(t testing.TB, cl *kgo.Client, topic string, commit bool) error {
	t.Helper()
	adm := kadm.NewClient(cl)
	ps, err := adm.DescribeProducers(testContext(t), kadm.TopicsSet{topic: {0: {}}})
	require.NoError(t, err)
	var open *kadm.DescribedProducer
	ps.EachProducer(func(p kadm.DescribedProducer) {
		if p.CurrentTxnStartOffset >= 0 {
			open = &p
		}
	})
	require.NotNil(t, open, "a transaction is open")
	req := kmsg.NewPtrWriteTxnMarkersRequest()
	m := kmsg.NewWriteTxnMarkersRequestMarker()
	m.ProducerID, m.ProducerEpoch, m.Committed = open.ProducerID, open.ProducerEpoch, commit
	m.Topics = []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: topic, Partitions: []int32{0}}}
	req.Markers = append(req.Markers, m)
	resp, err := cl.SeedBrokers()[0].Request(testContext(t), req)
	require.NoError(t, err)
	return kerr.ErrorForCode(resp.(*kmsg.WriteTxnMarkersResponse).Markers[0].Topics[0].Partitions[0].ErrorCode)
}

func TestWriteTxnMarkers_OpenTransaction_AbortedAndFenced(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	p := newClient(t, b, kgo.TransactionalID("slow"))
	require.NoError(t, p.BeginTransaction())
	require.NoError(t, p.ProduceSync(ctx, record("t", 1), record("other", 1)).FirstErr())
	cl := newClient(t, b)
	require.NoError(t, cl.ProduceSync(ctx, record("t", 2), record("other", 2)).FirstErr())

	require.ErrorIs(t, mark(t, cl, "t", true), kerr.InvalidRequest, "nobody else commits")
	require.NoError(t, mark(t, cl, "t", false))
	for _, topic := range []string{"t", "other"} { // it ends as a whole
		c := newClient(t, b, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		require.Equal(t, []string{"v2"}, values(consume(t, c, 1)))
	}
	require.Error(t, p.EndTransaction(ctx, kgo.TryCommit), "the producer is fenced")
}

// Its coordinator has forgotten it; the log has not.
func TestWriteTxnMarkers_UnknownToTheCoordinator_PartitionAborted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := serveBroker(t, Config{Dir: dir})
	ctx := testContext(t)
	cl := newClient(t, b)
	require.NoError(t, cl.ProduceSync(ctx, record("t", 0)).FirstErr())
	batch := sealed(appendRecord(nil, 0, nil, []byte("hangs")), 1, func(b *kmsg.RecordBatch) {
		b.Attributes, b.ProducerID, b.ProducerEpoch, b.FirstSequence = 1<<4, 77, 3, 0
	})
	var c storage.Commit
	c.Append(b.topics.byName("t").partition(0).log, batch, false)
	require.NoError(t, b.store.Do(&c))
	require.NoError(t, cl.ProduceSync(ctx, record("t", 2)).FirstErr())
	bounds := b.topics.byName("t").partition(0).log.Bounds()
	require.Equal(t, int64(1), bounds.Stable, "readers are held up")

	require.NoError(t, mark(t, cl, "t", false))
	read := newClient(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.Equal(t, []string{"v0", "v2"}, values(consume(t, read, 2)))
	stop()
	b, _ = serveBroker(t, Config{Dir: dir})
	read = newClient(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.Equal(t, []string{"v0", "v2"}, values(consume(t, read, 2)))
}

func TestListOffsets_LatestTimestampDeleted_NextRecord(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b)
	for i, ms := range []int64{1000, 2000, 1500, 2000} {
		r := record("t", i)
		r.Timestamp = time.UnixMilli(ms)
		require.NoError(t, cl.ProduceSync(ctx, r).FirstErr())
	}
	adm := kadm.NewClient(cl)
	latest := func() int64 {
		los, err := adm.ListMaxTimestampOffsets(ctx, "t")
		require.NoError(t, err)
		lo, _ := los.Lookup("t", 0)
		require.Equal(t, int64(2000), lo.Timestamp)
		return lo.Offset
	}
	require.Equal(t, int64(1), latest())
	var offs kadm.Offsets
	offs.Add(kadm.Offset{Topic: "t", At: 2})
	_, err := adm.DeleteRecords(ctx, offs)
	require.NoError(t, err)
	require.Equal(t, int64(3), latest())
}

func TestAuthorizedOperations_ACLs_AllowedOnly(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	cl := newClient(t, b)
	for _, asked := range []bool{false, true} {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.IncludeClusterAuthorizedOperations = asked
		resp, err := req.RequestWith(testContext(t), cl)
		require.NoError(t, err)
		if !asked {
			require.Equal(t, int32(-1<<31), resp.ClusterAuthorizedOperations)
			continue
		}
		for _, op := range operationsOf[resourceCluster] {
			require.NotZero(t, resp.ClusterAuthorizedOperations&(1<<op), op)
		}
	}
}

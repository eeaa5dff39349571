package mirror_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

func TestMirror_Records_WholeAndInTheirTopics(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(3), newSite(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, int(7*time.Millisecond), time.UTC)
	sent := []*kgo.Record{
		{Topic: kafka.Sightings, Key: []byte("yard"), Value: []byte("1"), Timestamp: at, Headers: []kgo.RecordHeader{{Key: "schema", Value: []byte("s")}, {Key: "empty"}}},
		{Topic: kafka.Crossings, Key: []byte("yard"), Value: []byte("2"), Timestamp: at.Add(-48 * time.Hour)},
		{Topic: kafka.Visits, Key: []byte("yard"), Value: []byte("3"), Timestamp: at},
		{Topic: kafka.Runs, Key: []byte("run"), Value: []byte("4"), Timestamp: at},
		{Topic: kafka.SnapshotTopic, Key: []byte("yard/run/1"), Timestamp: at}, // erases a picture
		{Topic: kafka.Sightings, Value: []byte("without a key"), Timestamp: at},
	}
	edge.produce(sent...)
	require.NoError(t, once(t, edge, centre))
	for _, want := range sent {
		all := centre.committed(want.Topic)
		i := slices.IndexFunc(all, func(r *kgo.Record) bool { return string(r.Value) == string(want.Value) })
		require.GreaterOrEqual(t, i, 0, want.Topic)
		got := all[i]
		require.Equal(t, want.Key, got.Key)
		require.Equal(t, want.Value == nil, got.Value == nil, "a record without a value erases")
		require.True(t, want.Timestamp.Equal(got.Timestamp), got.Timestamp)
		require.Len(t, got.Headers, len(want.Headers))
		for i, h := range want.Headers {
			require.Equal(t, h.Key, got.Headers[i].Key)
			require.Equal(t, string(h.Value), string(got.Headers[i].Value))
		}
	}
	require.Len(t, centre.committed(kafka.Sightings), 2)
}

func TestMirror_AbortedTransactions_AreLeftOut(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(1), newSite(t)
	cl, err := edge.cfg.Client(kgo.TransactionalID("t"))
	require.NoError(t, err)
	defer cl.Close()
	for n, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		require.NoError(t, cl.BeginTransaction())
		require.NoError(t, cl.ProduceSync(t.Context(), frames(t, n/2, n/2+1, "yard")...).FirstErr())
		require.NoError(t, cl.EndTransaction(t.Context(), end))
	}
	require.NoError(t, once(t, edge, centre))
	centre.requireFrames(2, "yard")
	require.EqualValues(t, 8, edge.mirrored(), "the position is behind the markers, too")
}

// The centre has other numbers of partitions than the edges, which have cameras of their own.
func TestMirror_SeveralEdges_OneCentreInOrderPerCamera(t *testing.T) {
	t.Parallel()
	centre := newSite(t).withTopics(5)
	var cameras []string
	for n := range 3 {
		edge := newSite(t).withTopics(int32(1 + 3*n))
		own := []string{"porch", "yard", "gate", "hall"}
		for i := range own {
			own[i] += strings.Repeat("-far", n)
		}
		cameras = append(cameras, own...)
		edge.fill(0, 100, own...)
		start(t, edge, centre)
		edge.fill(100, 200, own...)
	}
	rows := newTables(t)
	centre.sinkInto(rows)
	rows.requireFrames(200, cameras...)
	centre.requireFrames(200, cameras...)
	for _, r := range centre.committed(kafka.Sightings) {
		require.Equal(t, kafka.Partition(r.Key, 5), r.Partition, "as every producer's")
	}
}

func TestMirror_NewTopicsAndPartitions_AreMirroredToo(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t), newSite(t)
	_, stop := start(t, edge, centre, func(c *mirror.Config) { c.Topics = []string{"parking", kafka.Sightings} })
	adm := kadm.NewClient(edge.cl)
	_, err := adm.CreateTopic(t.Context(), 2, 1, map[string]*string{"cleanup.policy": new("compact"), "retention.hold.groups": new("x")}, "parking")
	require.NoError(t, err)
	edge.produce(&kgo.Record{Topic: "parking", Key: []byte("a"), Value: []byte("1")})
	awaitRecords(t, centre, "parking", 1)
	_, err = adm.CreatePartitions(t.Context(), 6, "parking")
	require.NoError(t, err)
	for partition := range int32(8) {
		edge.cl.PurgeTopicsFromClient("parking")
		manual, err := edge.cfg.Client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
		require.NoError(t, err)
		require.NoError(t, manual.ProduceSync(t.Context(), &kgo.Record{Topic: "parking", Partition: partition, Key: []byte{'b' + byte(partition)}}).FirstErr())
		manual.Close()
	}
	awaitRecords(t, centre, "parking", 9)
	stop()
	settings := centre.settings("parking")
	require.Equal(t, "compact", settings["cleanup.policy"])
	require.Empty(t, settings["retention.hold.groups"])
}

func awaitRecords(t testing.TB, s *site, topic string, n int) {
	t.Helper()
	adm := kadm.NewClient(s.cl)
	testenv.Await(t, topic, func() bool {
		topics, err := adm.ListTopics(t.Context(), topic)
		return err == nil && topics[topic].Err == nil && len(s.committed(topic)) >= n
	})
	require.Len(t, s.committed(topic), n)
}

func TestMirror_Positions_OneCompactedTopic(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(2), newSite(t)
	edge.fill(0, 10, "porch", "yard")
	require.NoError(t, once(t, edge, centre))
	all := centre.committed(mirror.Positions)
	require.NotEmpty(t, all)
	for _, r := range all {
		require.Equal(t, all[0].Partition, r.Partition)
		require.Regexp(t, `^sightlog-mirror/[A-Za-z0-9_-]{22}/[a-z.]+/[0-9]+$`, string(r.Key))
		var p struct {
			Next int64 `json:"next"`
		}
		require.NoError(t, json.Unmarshal(r.Value, &p))
	}
	require.Equal(t, "compact", centre.settings(mirror.Positions)["cleanup.policy"])
}

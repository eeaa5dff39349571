package broker

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func createCompacted(t testing.TB, b *Broker, topic string) {
	t.Helper()
	_, err := kadm.NewClient(newClient(t, b)).CreateTopic(testContext(t), 1, 1, map[string]*string{"cleanup.policy": new("delete,compact")}, topic)
	require.NoError(t, err)
}

// produceRaw sends a batch as it is and returns its partition's answer.
func produceRaw(t testing.TB, b *Broker, topic string, batch []byte) kmsg.ProduceResponseTopicPartition {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 1000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = batch
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := newClient(t, b, kgo.RequestTimeoutOverhead(time.Minute)).SeedBrokers()[0].Request(testContext(t), pinned{req, 12})
	require.NoError(t, err)
	return resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
}

// sealed is a batch with the records and the count as they are given.
func sealed(records []byte, n int, change ...func(*kmsg.RecordBatch)) []byte {
	b := kmsg.NewRecordBatch()
	b.PartitionLeaderEpoch, b.Magic = -1, 2
	b.LastOffsetDelta, b.NumRecords = int32(n-1), int32(n)
	b.ProducerID, b.ProducerEpoch, b.FirstSequence = -1, -1, -1
	b.Records = records
	for _, f := range change {
		f(&b)
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	out := b.AppendTo(nil)
	binary.BigEndian.PutUint32(out[17:], crc32.Checksum(out[21:], crc32.MakeTable(crc32.Castagnoli)))
	return out
}

func appendRecord(dst []byte, delta int32, key, value []byte) []byte {
	r := kmsg.NewRecord()
	r.OffsetDelta, r.Key, r.Value = delta, key, value
	r.Length = int32(len(r.AppendTo(nil)) - 1) // 0 takes one byte
	return r.AppendTo(dst)
}

func gzipped(b *kmsg.RecordBatch) { b.Attributes = 1 }

func zipped(p []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(p)
	w.Close()
	return out.Bytes()
}

func TestCompactedTopic_RecordWithoutKey_InvalidRecord(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	createCompacted(t, b, "c")
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		cl := newClient(t, b, kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		ctx := testContext(t)
		value := bytes.Repeat([]byte("well "), 100)
		require.NoError(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "c", Key: []byte("k"), Value: value}).FirstErr())
		require.NoError(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "c", Key: []byte{}, Value: value}).FirstErr(), "an empty key is a key")
		require.NoError(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "c", Key: []byte("k")}).FirstErr(), "a tombstone")
		require.ErrorIs(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "c", Value: value}).FirstErr(), kerr.InvalidRecord)
		require.NoError(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "plain", Value: value}).FirstErr())
	}
	require.Equal(t, int64(15), b.topics.byName("c").partition(0).log.Bounds().End, "what was refused is not there")
}

func TestCompactedTopic_RefusedBatch_RecordsNamed(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	createCompacted(t, b, "c")
	var rs []byte
	rs = appendRecord(rs, 0, []byte("k"), []byte("v"))
	rs = appendRecord(rs, 1, nil, []byte("v"))
	rs = appendRecord(rs, 3, []byte("k"), []byte("v")) // out of place
	got := produceRaw(t, b, "c", sealed(rs, 3))
	require.Equal(t, kerr.InvalidRecord.Code, got.ErrorCode)
	require.Len(t, got.ErrorRecords, 2)
	require.Equal(t, int32(1), got.ErrorRecords[0].RelativeOffset)
	require.Equal(t, int32(2), got.ErrorRecords[1].RelativeOffset)
	require.Contains(t, *got.ErrorMessage, "without a key")
}

// A batch that cannot be decompressed cannot be compacted.
func TestCompactedTopic_UnreadableBatch_InvalidRecord(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	createCompacted(t, b, "c")
	// A record of 80 MiB, as members of gzip, which are read as one.
	plain := appendRecord(nil, 0, []byte("k"), make([]byte, 80<<20))
	bomb := zipped(plain[:len(plain)-(80<<20)])
	bomb = append(bomb, bytes.Repeat(zipped(make([]byte, 1<<20)), 80)...)
	require.Less(t, len(bomb), 100<<10)
	for name, batch := range map[string][]byte{
		"bomb":         sealed(bomb, 1, gzipped),
		"no such zip":  sealed([]byte("these are no gzip bytes"), 1, gzipped),
		"fewer":        sealed(appendRecord(nil, 0, []byte("k"), nil), 2),
		"absurd count": sealed(appendRecord(nil, 0, []byte("k"), nil), 1<<31-1),
	} {
		got := produceRaw(t, b, "c", batch)
		want := kerr.InvalidRecord
		if name == "bomb" {
			want = kerr.MessageTooLarge
		}
		require.Equal(t, want.Code, got.ErrorCode, name)
	}
}

package sink_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// newFakeWorld is a world on the test double, which takes every batch whose
// checksum is right.
func newFakeWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, pool: pgtest.Open(t), stream: kafka.Config{Brokers: fakeBroker(t)}}
	w.cl = w.client()
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
	return w
}

// produceRaw puts a batch of n records into a partition, with what is said to
// be their compressed bytes, and returns its first offset.
func (w *world) produceRaw(partition int32, codec kgo.CompressionCodecType, records []byte, n int32) int64 {
	w.Helper()
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{Magic: 2, PartitionLeaderEpoch: -1, Attributes: int16(codec), LastOffsetDelta: n - 1, FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: n, Records: records}
	raw := b.AppendTo(nil)
	b.Length = int32(len(raw) - 12)
	b.CRC = int32(crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))

	md, err := w.cl.Request(w.Context(), kmsg.NewPtrMetadataRequest())
	require.NoError(w, err)
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, b.AppendTo(nil)
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.Partitions = kafka.Sightings, append(t.Partitions, p)
	for _, m := range md.(*kmsg.MetadataResponse).Topics {
		if *m.Topic == kafka.Sightings {
			t.TopicID = m.TopicID
		}
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, 5000, append(req.Topics, t)
	resp, err := w.cl.Request(w.Context(), req)
	require.NoError(w, err)
	answer := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	require.NoError(w, kerr.ErrorForCode(answer.ErrorCode))
	return answer.BaseOffset
}

// zeros returns n bytes of zeros, compressed.
func zeros(t testing.TB, n int64, compressor func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := compressor(&b)
	require.NoError(t, err)
	_, err = io.CopyN(z, zeroReader{}, n)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBatch_NotExpandable_IsADeadLetterWithItsOrigin(t *testing.T) {
	t.Parallel()
	w := newFakeWorld(t)
	w.fill(0, 5, "porch")
	partition := int32(w.partitionOf("porch"))
	bombs := []struct {
		codec   kgo.CompressionCodecType
		records []byte
		want    string
	}{
		{kgo.CodecZstd, zeros(t, 100<<20, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }), "zstd: more than"},
		{kgo.CodecGzip, zeros(t, 100<<20, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }), "gzip: more than"},
		{kgo.CodecZstd, []byte("not zstd"), "zstd: "},
		{kgo.CodecSnappy, []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, "snappy: more than"},
		{kgo.CodecLz4, []byte("not lz4"), "lz4: "},
	}
	var offsets []int64
	for _, b := range bombs {
		offsets = append(offsets, w.produceRaw(partition, b.codec, b.records, 3))
	}
	w.fill(5, 10, "porch")
	reg := prometheus.NewRegistry()
	w.start(func(c *sink.Config) { c.Metrics = reg })
	w.drain()
	w.exactly(10, "porch")
	letters := w.letters(kafka.Sightings)
	require.Len(t, letters, len(bombs))
	for i, l := range letters {
		require.Equal(t, fmt.Sprint(offsets[i]), head(l, kafka.HeaderDeadOffset))
		require.Equal(t, fmt.Sprint(offsets[i]+2), head(l, kafka.HeaderDeadLastOffset))
		require.Equal(t, fmt.Sprintf("sightings/%d/%d", partition, offsets[i]), string(l.Key))
		require.Contains(t, head(l, kafka.HeaderDeadCause), "the batch cannot be read: "+bombs[i].want)
		if head(l, kafka.HeaderDeadSize) == "" {
			require.True(t, bytes.HasSuffix(l.Value, bombs[i].records), "the batch as it lies in the log")
		}
	}
	require.Equal(t, float64(len(bombs)), gauge(t, reg, "sightlog_sink_dead_letters_total", kafka.Sightings))
}

func TestRecord_TooLargeForADeadLetter_HasHeadHashAndOrigin(t *testing.T) {
	t.Parallel()
	random := make([]byte, 1_048_401)        // the largest that a batch of its own takes
	rand.NewChaCha8([32]byte{}).Read(random) //nolint:errcheck // it always fills the slice
	for name, c := range map[string]struct {
		compression kgo.CompressionCodec
		value       []byte
	}{
		"compressed": {kgo.ZstdCompression(), bytes.Repeat([]byte(" "), 20_000_000)},
		"plain":      {kgo.NoCompression(), random},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fill(0, 5, "porch")
			producer := w.client(kgo.ProducerBatchMaxBytes(64<<20), kgo.ProducerBatchCompression(c.compression))
			rec := &kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: c.value}
			require.NoError(t, producer.ProduceSync(t.Context(), rec).FirstErr())
			w.fill(5, 10, "porch")
			w.produce(&kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: []byte("x")})
			w.start()
			w.drain()
			w.exactly(10, "porch")
			letters := w.letters(kafka.Sightings)
			require.Len(t, letters, 2)
			for _, l := range letters {
				if head(l, kafka.HeaderDeadOffset) != fmt.Sprint(rec.Offset) {
					require.Equal(t, "x", string(l.Value))
					require.Empty(t, head(l, kafka.HeaderDeadSize))
					continue
				}
				require.Equal(t, fmt.Sprint(rec.Partition), head(l, kafka.HeaderDeadPartition))
				require.Equal(t, fmt.Sprint(len(c.value)), head(l, kafka.HeaderDeadSize))
				sum := sha256.Sum256(c.value)
				require.Equal(t, hex.EncodeToString(sum[:]), head(l, kafka.HeaderDeadSHA256))
				require.NotEmpty(t, l.Value)
				require.True(t, bytes.HasPrefix(c.value, l.Value))
			}
		})
	}
}

// spoil flips a byte of the one place in the log below dir that holds text.
func spoil(t testing.TB, dir, text string) {
	t.Helper()
	n := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if i := bytes.Index(b, []byte(text)); err == nil && i >= 0 {
			n++
			b[i] ^= 0x20
			err = os.WriteFile(path, b, 0o600)
		}
		return err
	}))
	require.Positive(t, n, "%q is not in the log", text)
}

func TestSink_CorruptBatch_PartitionStoppedUntilSkipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr, stopBroker := runBroker(t, dir, testenv.FreeAddr(t))
	w := &world{TB: t, pool: pgtest.Open(t), stream: kafka.Config{Brokers: []string{addr}}}
	w.cl = w.client(kgo.ProducerBatchCompression(kgo.NoCompression()))
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), partitions))
	w.fill(0, 5, "porch", "yard", "gate", "door")
	bad := record(t, sighting("porch", "run-of-porch", 5))
	bad.Headers = append(bad.Headers, kgo.RecordHeader{Key: "mark", Value: []byte("spoilt-on-disk")})
	w.produce(bad)
	w.fill(6, 10, "porch", "yard", "gate", "door")
	stopBroker()
	spoil(t, dir, "spoilt-on-disk")
	runBroker(t, dir, addr)

	var logged strings.Builder
	reg := prometheus.NewRegistry()
	s, stop := w.sink(func(c *sink.Config) { c.Log, c.Metrics = logInto(&logged), reg })
	w.await("the partition to be stopped and the others written", func() bool {
		return gauge(t, reg, "sightlog_sink_partition_stopped", fmt.Sprint(bad.Partition), kafka.Sightings) == 1 &&
			w.number("SELECT count(*) FROM v_sightings WHERE camera = 'porch'") == 5
	})
	stopped, fetched := time.Now(), w.number("SELECT count(*) FROM sightings")
	w.await("the sink to look at its stored offsets again", func() bool { return time.Since(stopped) > 7*time.Second })
	require.Equal(t, fetched, w.number("SELECT count(*) FROM sightings"))
	way := fmt.Sprintf("--skip sightings/%d/%d", bad.Partition, bad.Offset)
	require.Len(t, s.Blocked(), 1)
	require.Contains(t, s.Blocked()[0].String(), way)
	stop()
	require.Equal(t, 1, strings.Count(logged.String(), way), logged.String())
	require.Less(t, strings.Count(logged.String(), "\n"), 30, logged.String())
	require.Empty(t, w.letters(kafka.Sightings))

	skip, err := sink.ParseSkip(strings.TrimPrefix(way, "--skip "))
	require.NoError(t, err)
	w.start(func(c *sink.Config) {
		c.Skip = []sink.Skip{skip, {Topic: kafka.Sightings, Partition: bad.Partition, Offset: 0}}
	})
	w.drain()
	require.Equal(t, 9, w.number("SELECT count(*) FROM v_sightings WHERE camera = 'porch'"))
	letters := w.letters(kafka.Sightings)
	require.Len(t, letters, 1)
	require.Equal(t, fmt.Sprint(bad.Offset), head(letters[0], kafka.HeaderDeadOffset))
	require.Contains(t, head(letters[0], kafka.HeaderDeadCause), "skipped as the user asked; its checksum is wrong")
	require.Contains(t, string(letters[0].Value), event.SchemaSighting, "the batch as it lies in the log")
}

func TestParseSkip_WhatIsNoOffset_IsSaidInOneLine(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "sightings", "sightings/1", "sightings/x/1", "/1/1", "sightings/-1/1", "sightings/1/-1", "a/1/1/1"} {
		_, err := sink.ParseSkip(s)
		require.ErrorContains(t, err, "write TOPIC/PARTITION/OFFSET", s)
	}
}

// newRefusingWorld is a world whose broker refuses each fetch of a partition
// with a code, while refuse says so.
func newRefusingWorld(t testing.TB, code int16, refuse func() bool) *world {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := &world{TB: t, pool: pgtest.Open(t), stream: kafka.Config{Brokers: c.ListenAddrs()}}
	w.cl = w.client()
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.client(), 1))
	c.ControlKey(kmsg.Fetch.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if !refuse() {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, rt := range req.(*kmsg.FetchRequest).Topics {
			t := kmsg.NewFetchResponseTopic()
			t.Topic, t.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				p := kmsg.NewFetchResponseTopicPartition()
				p.Partition, p.ErrorCode = rp.Partition, code
				t.Partitions = append(t.Partitions, p)
			}
			resp.Topics = append(resp.Topics, t)
		}
		return resp, nil, true
	})
	return w
}

func TestPartitionThatDoesNotMove_ForReasonsTheClientKeepsToItself_IsToldAndRecovers(t *testing.T) {
	t.Parallel()
	var healthy atomic.Bool
	w := newRefusingWorld(t, kerr.KafkaStorageError.Code, func() bool { return !healthy.Load() })
	w.fill(0, 5, "porch")
	var logged strings.Builder
	s, stop := w.sink(func(c *sink.Config) {
		c.Log, c.StallTimeout = logInto(&logged), 300*time.Millisecond
		c.Consumers, c.SessionTimeout = 1, time.Minute // a member that joins, also again, finds the fault again
	})
	w.await("the partition to be told", func() bool { return len(s.Blocked()) == 1 })
	require.Contains(t, s.Blocked()[0].String(), "waiting: the records from offset 0 on do not arrive; the log has 5 more")
	healthy.Store(true)
	w.drain()
	w.exactly(5, "porch")
	w.await("the partition to be well", func() bool { return len(s.Blocked()) == 0 })
	stop()
	require.Equal(t, 1, strings.Count(logged.String(), "do not arrive"), logged.String())
}

func TestSink_FetchRefusedRepeatedly_OneLine(t *testing.T) {
	t.Parallel()
	var refused atomic.Int32
	w := newRefusingWorld(t, kerr.TopicAuthorizationFailed.Code, func() bool { refused.Add(1); return true })
	var logged strings.Builder
	s, stop := w.sink(func(c *sink.Config) {
		c.Log, c.Topics, c.Consumers = logInto(&logged), []string{kafka.Sightings}, 1
	})
	w.await("the third refusal", func() bool { return refused.Load() >= 3 })
	require.Contains(t, s.Blocked()[0].String(), "sightings/0 waiting: cannot fetch: TOPIC_AUTHORIZATION_FAILED")
	stop()
	require.Equal(t, 1, strings.Count(logged.String(), "partition waits"), logged.String())
}

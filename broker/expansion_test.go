package broker

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// bomb is a batch of one record of n zeros, as zstd frames of one block each that
// repeats a byte: 10 bytes for 128 KiB.
func bomb(n int) []byte {
	const block = 128 << 10
	frame := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
	frame = append(frame, 0, 7<<3) // a window of 128 KiB
	head := 1 | 1<<1 | block<<3    // the last block, one byte repeated, how often
	frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 0)
	return sealed(bytes.Repeat(frame, n/block), 1, func(b *kmsg.RecordBatch) { b.Attributes = 4 })
}

func TestProduce_DecompressionBomb_MessageTooLarge(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	require.NoError(t, newClient(t, b).ProduceSync(testContext(t), record("t", 1)).FirstErr())
	p := bomb(3 << 30)
	require.Less(t, len(p), 400<<10)
	r, err := zstd.NewReader(bytes.NewReader(p[61:]))
	require.NoError(t, err)
	defer r.Close()
	first := make([]byte, 1<<20)
	_, err = r.Read(first)
	require.NoError(t, err, "it can be decompressed")
	got := produceRaw(t, b, "t", p)
	require.Equal(t, kerr.MessageTooLarge.Code, got.ErrorCode)
	require.Contains(t, *got.ErrorMessage, "67109632 bytes decompressed")
	require.Equal(t, int64(1), b.topics.byName("t").partition(0).log.End())
}

// A record of a megabyte of zeros is nothing unusual.
func TestProduce_MegabyteOfZeros_Stored(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		cl := newClient(t, b, kgo.ProducerBatchCompression(codec))
		require.NoError(t, cl.ProduceSync(testContext(t), &kgo.Record{Topic: "t", Value: make([]byte, 990_000)}).FirstErr())
	}
	require.Len(t, consume(t, newClient(t, b, kgo.ConsumeTopics("t")), 5), 5)
}

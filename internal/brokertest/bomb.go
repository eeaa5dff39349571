package brokertest

import (
	"bytes"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bomb is a compressor of which every batch is a few KB of zstd that expand to 65 MiB, for
// a broker that accepts such batches; ours does not.
type Bomb struct{}

// Compress implements kgo.Compressor.
func (Bomb) Compress(*bytes.Buffer, []byte, ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return z.EncodeAll(make([]byte, 65<<20), nil), kgo.CodecZstd
}

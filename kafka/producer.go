package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"
)

// codecs are the compressions by the names of Config.Compression. The client falls back
// to none if a broker does not know the codec.
var codecs = map[string]kgo.CompressionCodec{
	"": kgo.ZstdCompression(), "zstd": kgo.ZstdCompression(), "lz4": kgo.Lz4Compression(),
	"snappy": kgo.SnappyCompression(), "gzip": kgo.GzipCompression(), "none": kgo.NoCompression(),
}

// producing returns the options of a producer. It is idempotent, waits for all in-sync
// replicas, and sends a camera's records to one partition: toPositive(murmur2(key)) %
// partitions, as the Java client does.
func (c Config) producing() ([]kgo.Opt, error) {
	codec, ok := codecs[c.Compression]
	if !ok {
		return nil, unknown("compression", c.Compression, "zstd, lz4, snappy, gzip or none")
	}
	return []kgo.Opt{
		kgo.ProducerLinger(c.Linger),
		kgo.UnknownTopicRetries(-1),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codec, kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	}, nil
}

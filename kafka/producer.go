package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/usage"
)

// producing returns the options of a producer.
func (c Config) producing() ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.ProducerLinger(c.Linger), kgo.UnknownTopicRetries(-1)}

	idempotent := c.Idempotent == nil || *c.Idempotent
	switch c.Acks {
	case "", "all":
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	case "leader", "none":
		if c.Idempotent != nil && idempotent {
			return nil, usage.New("use acks all, or idempotent false", "idempotent producing with acks %s", c.Acks)
		}
		idempotent = false
		acks := kgo.LeaderAck()
		if c.Acks == "none" {
			acks = kgo.NoAck()
		}
		opts = append(opts, kgo.RequiredAcks(acks))
	default:
		return nil, unknown("acks", c.Acks, "all, leader or none")
	}
	if !idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}

	if c.BatchBytes < 0 {
		return nil, usage.New("give bytes above 0", "batch bytes is %d", c.BatchBytes)
	}
	if c.BatchBytes > 0 {
		opts = append(opts, kgo.ProducerBatchMaxBytes(c.BatchBytes))
	}

	switch c.Compression {
	case "", "zstd":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.ZstdCompression(), kgo.NoCompression()))
	case "lz4":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()))
	case "snappy":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()))
	case "gzip":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.GzipCompression(), kgo.NoCompression()))
	case "none":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.NoCompression()))
	default:
		return nil, unknown("compression", c.Compression, "zstd, lz4, snappy, gzip or none")
	}

	p, err := c.partitioner()
	if err != nil {
		return nil, err
	}
	return append(opts, kgo.RecordPartitioner(p)), nil
}

// partitioner chooses how records find their partition. With a key "key" is
// toPositive(murmur2(key)) % partitions, as the Java client does; the others
// ignore the key: "round-robin" (before Kafka 2.4), "sticky" (KIP-480: one
// partition until the batch is sent), "uniform-sticky" (KIP-794: one partition
// until batch-bytes are written).
func (c Config) partitioner() (kgo.Partitioner, error) {
	switch c.Partitioner {
	case "", "key":
		return kgo.StickyKeyPartitioner(nil), nil
	case "round-robin":
		return kgo.RoundRobinPartitioner(), nil
	case "sticky":
		return kgo.StickyPartitioner(), nil
	case "uniform-sticky":
		n := int(c.BatchBytes)
		if n == 0 {
			n = 64 << 10
		}
		return kgo.UniformBytesPartitioner(n, false, false, nil), nil
	}
	return nil, unknown("partitioner", c.Partitioner, "key, round-robin, sticky or uniform-sticky")
}

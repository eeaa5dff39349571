package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// codecs are the compressions by the names of Config.Compression. The client falls back
// to none if a broker does not know the codec.
var codecs = map[string]kgo.CompressionCodec{
	"": kgo.ZstdCompression(), "zstd": kgo.ZstdCompression(), "lz4": kgo.Lz4Compression(),
	"snappy": kgo.SnappyCompression(), "gzip": kgo.GzipCompression(), "none": kgo.NoCompression(),
}

// Codec returns the compression of a name of Config.Compression.
func Codec(name string) (kgo.CompressionCodec, error) {
	codec, ok := codecs[name]
	if !ok {
		return codec, unknown("compression", name, "zstd, lz4, snappy, gzip or none")
	}
	return codec, nil
}

// producing returns the options of a producer. It is idempotent, waits for all in-sync
// replicas, and sends a camera's records to one partition: toPositive(murmur2(key)) %
// partitions, as the Java client does.
func (c Config) producing() ([]kgo.Opt, error) {
	codec, err := Codec(c.Compression)
	if err != nil {
		return nil, err
	}
	return []kgo.Opt{
		kgo.ProducerLinger(c.Linger),
		kgo.UnknownTopicRetries(-1),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codec, kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	}, nil
}

// Produce sends recs and waits for their acknowledgements, but not after ctx has ended: the
// client itself waits for ever for the outcome of a batch that it has sent, also while there
// is no broker. The error of each record is then that of ctx and its outcome unknown; the
// client still tries, until it is closed.
func Produce(ctx context.Context, cl *kgo.Client, recs ...*kgo.Record) kgo.ProduceResults {
	results := make(chan kgo.ProduceResults, 1)
	go func() { results <- cl.ProduceSync(ctx, recs...) }() // ends when the client is closed, at the latest
	select {
	case r := <-results:
		return r
	case <-ctx.Done():
	}
	unknown := make(kgo.ProduceResults, len(recs))
	for i, r := range recs {
		unknown[i] = kgo.ProduceResult{Record: r, Err: ctx.Err()}
	}
	return unknown
}

// runPartitioner is the partitioner of runs: a sighting goes to the partition in which its run began, which its
// writer has set, also when partitions were added to the topic since; every other record goes where its key says.
func runPartitioner() kgo.Partitioner {
	return kgo.BasicConsistentPartitioner(func(topic string) func(*kgo.Record, int) int {
		byKey := kgo.StickyKeyPartitioner(nil).ForTopic(topic)
		return func(r *kgo.Record, n int) int {
			if topic == Sightings && r.Partition >= 0 { // a run of before positions were written has -1
				return int(r.Partition)
			}
			return byKey.Partition(r, n)
		}
	})
}

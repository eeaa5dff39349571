package produce

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Config is a load, and the broker that it is put on.
type Config struct {
	Kafka kafka.Config // how to reach the broker, with linger and compression

	Producers   int // each a client of its own
	Partitions  int32
	Size        int     // of a record's value, in bytes
	Acks        string  // of Acks
	Partitioner string  // of Partitioners
	Rate        float64 // records a second of all producers together; 0: closed loop
	InFlight    int     // closed loop: records that a producer has sent and not seen acknowledged

	Rounds           int
	Duration, WarmUp time.Duration // of a round; before the first

	SyncEach bool   // ask for a topic that syncs each batch (flush.messages=1), which Apache Kafka does not by itself
	Disk     string // directory whose disk is measured

	BrokerPID  int    // of the broker, whose processor time is counted; 0: not known
	Durability string // of an acknowledgement, where the caller knows it; "": as the topic's settings say

	// Progress, if set, is called when a part of the run begins.
	Progress func(what string)
}

var (
	acks = map[string]kgo.Acks{"all": kgo.AllISRAcks(), "leader": kgo.LeaderAck(), "none": kgo.NoAck()}

	partitioners = map[string]func() kgo.Partitioner{
		"sticky":      kgo.StickyPartitioner,                                                                   // KIP-480
		"uniform":     func() kgo.Partitioner { return kgo.UniformBytesPartitioner(16<<10, true, false, nil) }, // KIP-794
		"round-robin": kgo.RoundRobinPartitioner,
		"key":         func() kgo.Partitioner { return kgo.StickyKeyPartitioner(nil) }, // a camera each
	}
)

// maxInFlight bounds the records that a client keeps until they are acknowledged.
const maxInFlight = 100_000

// Check returns a *usage.Error for a load that cannot be.
func (c *Config) Check() error {
	if _, ok := acks[c.Acks]; !ok {
		return unknown("acks", c.Acks, slices.Sorted(maps.Keys(acks)))
	}
	if _, ok := partitioners[c.Partitioner]; !ok {
		return unknown("partitioner", c.Partitioner, slices.Sorted(maps.Keys(partitioners)))
	}
	for _, n := range []struct {
		name          string
		is, from, to_ float64
	}{
		{"producers", float64(c.Producers), 1, 1000},
		{"partitions", float64(c.Partitions), 1, 10_000},
		{"size", float64(c.Size), headerSize, 900_000},
		{"in-flight", float64(c.InFlight), 1, maxInFlight},
		{"rate", c.Rate, 0, 10_000_000},
		{"rounds", float64(c.Rounds), 1, 1000},
		{"duration", c.Duration.Seconds(), 0.01, 86_400},
		{"warm-up", c.WarmUp.Seconds(), 0, 3600},
	} {
		if math.IsNaN(n.is) || n.is < n.from || n.is > n.to_ {
			return usage.New(fmt.Sprintf("give %s to %s", plain(n.from), plain(n.to_)), "--%s %s", n.name, plain(n.is))
		}
	}
	return nil
}

func plain(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.6g", f), ".0") }

func unknown(key, value string, known []string) error {
	return usage.New("use one of "+strings.Join(known, ", "), "--%s %q is not known", key, value)
}

// options returns those of a producer.
func (c *Config) options(topic string) ([]kgo.Opt, error) {
	codec, err := kafka.Codec(c.Kafka.Compression)
	if err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.DefaultProduceTopic(topic),
		kgo.ProducerLinger(c.Kafka.Linger),
		kgo.RequiredAcks(acks[c.Acks]),
		kgo.ProducerBatchCompression(codec, kgo.NoCompression()),
		kgo.RecordPartitioner(partitioners[c.Partitioner]()),
		kgo.MaxBufferedRecords(maxInFlight),
		kgo.RecordDeliveryTimeout(deliveryTimeout),
	}
	if c.Acks != "all" {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	return opts, nil
}

// deliveryTimeout is how long a record may wait for its acknowledgement. One that does is
// an error: no figure is printed over it.
const deliveryTimeout = time.Minute

package produce

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/disk"
	"github.com/sightlog/sightlog/bench/result"
)

// run is a run in progress.
type run struct {
	Config
	probe     *disk.Probe
	producers []*producer // and one more, which sends the first record of each partition
	batches   counter
	batchSize int // bytes of a batch as sent, compressed: the mean of the warm-up
	report    *result.Report
}

// measured are the disk's times between two rounds.
type measured struct{ sync, write *result.Histogram }

const (
	// writeSize is how much is written at a time to see the disk's bandwidth.
	writeSize = 1 << 20
	// diskTime is how long the disk is measured at a time.
	diskTime = time.Second
)

// counter is a hook of the clients that counts what they have written.
type counter struct{ batches, bytes atomic.Int64 }

// OnProduceBatchWritten implements kgo.HookProduceBatchWritten.
func (c *counter) OnProduceBatchWritten(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.ProduceBatchMetrics) {
	c.batches.Add(1)
	c.bytes.Add(int64(m.CompressedBytes))
}

func (c *counter) reset() {
	c.batches.Store(0)
	c.bytes.Store(0)
}

// size is the mean size of a batch.
func (c *counter) size() int { return int(c.bytes.Load() / max(1, c.batches.Load())) }
